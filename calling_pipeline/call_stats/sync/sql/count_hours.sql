-- Count the calls and orders of a day by hour (Asia/Shanghai); its earlier counts were just deleted. Hours without calls
-- have no row.
INSERT INTO hourly_orders (date, hour, calls, connected, grade_9, grade_1, orders)
SELECT
    :day,
    extract(HOUR FROM date_bin('1 hour', called_at, 'epoch') AT TIME ZONE 'Asia/Shanghai'),
    count(*),
    count(*) FILTER (WHERE call_state = 2),
    count(*) FILTER (WHERE order_yuan = 9),
    count(*) FILTER (WHERE order_yuan = 1),
    count(*) FILTER (WHERE order_yuan <> 0)
FROM call_records
WHERE date = :day
GROUP BY date_bin('1 hour', called_at, 'epoch');
