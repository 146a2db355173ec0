-- What each table of daily counts adds up to for a day: calls and orders. No row of a table that has none of the day.
SELECT 'daily_agents' AS part, sum(calls) AS calls, sum(orders) AS orders
FROM daily_agents
WHERE date = :day
UNION ALL
SELECT 'daily_hours', sum(calls), sum(orders)
FROM daily_hours
WHERE date = :day
UNION ALL
SELECT 'daily_provinces', sum(calls), sum(orders)
FROM daily_provinces
WHERE date = :day
UNION ALL
SELECT 'daily_province_hours', sum(calls), sum(orders)
FROM daily_province_hours
WHERE date = :day
UNION ALL
SELECT 'daily_tasks', sum(calls), sum(orders)
FROM daily_tasks
WHERE date = :day;
