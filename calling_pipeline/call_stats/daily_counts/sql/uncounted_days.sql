-- Days whose call records are stored and published, and that are not counted or are counted of an older read; newest first.
-- LIMIT makes it one look into the day's partition for each day: joined as a whole, every record would be read.
SELECT kept.date
FROM daily_history AS kept
LEFT JOIN counted_days AS counted ON kept.date = counted.date
WHERE
    kept.grade_fetch_number IS NOT NULL
    AND (counted.date IS NULL OR counted.fetch_number < kept.grade_fetch_number)
    AND (
        SELECT stored.date
        FROM call_records AS stored
        WHERE stored.date = kept.date
        LIMIT 1
    ) IS NOT NULL
ORDER BY kept.date DESC
LIMIT :most;
