-- Those of the given days that still have call records and whose last full read began before `since`. LIMIT makes it
-- one look into the day's partition for each day.
SELECT given.day
FROM unnest(cast(:days AS date[])) AS given (day)
WHERE
    (
        SELECT date FROM call_records
        WHERE date = given.day
        LIMIT 1
    ) IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM fetch_proofs
        WHERE track = 'grade' AND date = given.day AND mode = 'full' AND started_at > :since
    )
ORDER BY given.day
