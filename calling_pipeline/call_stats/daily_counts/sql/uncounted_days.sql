-- Days whose call records are stored and published, and that are not counted or are counted of an older read; newest first.
SELECT kept.date
FROM daily_history AS kept
LEFT JOIN counted_days AS counted ON kept.date = counted.date
WHERE
    kept.grade_fetch_number IS NOT NULL
    AND (counted.date IS NULL OR counted.fetch_number < kept.grade_fetch_number)
    AND EXISTS (
        SELECT 1
        FROM call_records AS stored
        WHERE stored.date = kept.date
    )
ORDER BY kept.date DESC
LIMIT :most;
