-- Days whose call records are stored and published, and that are not counted or are counted of an older read; newest first.
SELECT cached.date
FROM daily_history AS cached
LEFT JOIN counted_days AS counted ON cached.date = counted.date
WHERE cached.grade_fetch_number IS NOT NULL
AND (counted.date IS NULL OR counted.fetch_number < cached.grade_fetch_number)
AND EXISTS (SELECT 1 FROM call_records AS stored WHERE stored.date = cached.date)
ORDER BY cached.date DESC
LIMIT :most;
