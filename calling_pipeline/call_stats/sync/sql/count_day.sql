-- What the stored call records of a day add up to.
SELECT
    count(*) AS calls,
    count(*) FILTER (WHERE order_yuan = 9) AS grade_9,
    count(*) FILTER (WHERE order_yuan = 1) AS grade_1,
    count(*) FILTER (WHERE call_state >= 1) AS dialled,
    count(*) FILTER (WHERE call_state = 2) AS connected
FROM call_records
WHERE date = :day;
