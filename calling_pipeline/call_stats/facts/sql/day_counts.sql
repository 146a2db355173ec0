-- What the stored call records of one day add up to; `outside_day`: those called before `start` or at `next_day` or later.
SELECT
    count(*) AS records,
    count(DISTINCT id) AS distinct_records,
    count(*) FILTER (WHERE order_yuan = 9) AS grade_9,
    count(*) FILTER (WHERE order_yuan = 1) AS grade_1,
    count(*) FILTER (WHERE call_state >= 1) AS dialled,
    count(*) FILTER (WHERE call_state = 2) AS connected,
    count(*) FILTER (WHERE called_at < :start OR called_at >= :next_day) AS outside_day
FROM call_records
WHERE date = :day;
