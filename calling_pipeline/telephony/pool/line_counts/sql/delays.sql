-- How late callbacks came from the day `first` to `last`: calls by day, outcome and tenths of a second. Counted days as they
-- are counted, the others from their records.
SELECT u.day, u.outcome, u.tenths, cast(sum(u.calls) AS bigint) AS calls
FROM (
    SELECT l.*
    FROM line_delays AS l
    INNER JOIN counted_line_days AS d ON l.day = d.day
    WHERE l.day BETWEEN :first AND :last AND (cast(:tenant_id AS bigint) IS NULL OR l.tenant_id = :tenant_id)
    UNION ALL
    {live}
) AS u
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
