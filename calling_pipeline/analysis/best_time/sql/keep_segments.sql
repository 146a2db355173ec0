-- In which province each segment of mobiles is: what most call records of pushed numbers say since `first`.
INSERT INTO number_segments (segment, province, calls)
SELECT
    left(phone, 7), mode() WITHIN GROUP (ORDER BY province), count(*)
FROM call_results
WHERE day >= :first AND province <> '' AND phone ~ '^1[0-9]{10}$'
GROUP BY left(phone, 7)
ON CONFLICT (
    segment) DO UPDATE SET province = excluded.province, calls = excluded.calls
WHERE (number_segments.province, number_segments.calls) IS DISTINCT FROM (excluded.province, excluded.calls);
