-- Make every other transaction that asks about these numbers wait until this one ends: one exclusive advisory lock per
-- number. Everybody takes them in the order of the keys, so that two overlapping sets of numbers cannot deadlock.
SELECT pg_advisory_xact_lock(ordered.key)
FROM (
    SELECT DISTINCT hashtextextended(given.phone, 20260101) AS key
    FROM unnest(cast(:phones AS text[])) AS given (phone)
    ORDER BY 1
) AS ordered
