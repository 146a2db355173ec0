-- Count a day's stored call records by agent, by province and hour (Asia/Shanghai), and by dialling task, in one pass; its
-- earlier counts were just deleted. Hours and provinces by themselves are sums of the second. `fetch_number` is the read
-- that the records are of.
WITH counted AS MATERIALIZED (
    SELECT
        grouping(agent_id) = 0 AS by_agent,
        grouping(task_id) = 0 AS by_task,
        coalesce(agent_id, '') AS agent_id,
        coalesce(province, '') AS province,
        date_bin('1 hour', called_at, 'epoch') AS hour_start,
        coalesce(task_id, '') AS task_id,
        coalesce(task_name, '') AS task_name,
        count(*) AS calls,
        count(*) FILTER (WHERE call_state = 2) AS connected,
        coalesce(sum(duration_s), 0) AS talk_s,
        count(*) FILTER (WHERE order_yuan = 9) AS grade_9,
        count(*) FILTER (WHERE order_yuan = 1) AS grade_1,
        count(*) FILTER (WHERE order_yuan <> 0) AS orders
    FROM call_records
    WHERE date = :day
    GROUP BY GROUPING SETS (
        (agent_id),
        (province, date_bin('1 hour', called_at, 'epoch')),
        (task_id, task_name)
    )
),

province_hours AS (
    SELECT
        province,
        cast(extract(HOUR FROM hour_start AT TIME ZONE 'Asia/Shanghai') AS smallint) AS hour,
        sum(calls) AS calls,
        sum(connected) AS connected,
        sum(talk_s) AS talk_s,
        sum(grade_9) AS grade_9,
        sum(grade_1) AS grade_1,
        sum(orders) AS orders
    FROM counted
    WHERE NOT by_agent AND NOT by_task
    GROUP BY 1, 2
),

kept_agents AS (
    INSERT INTO daily_agents (date, agent_id, calls, connected, talk_s, grade_9, grade_1, orders)
    SELECT :day, agent_id, calls, connected, talk_s, grade_9, grade_1, orders
    FROM counted
    WHERE by_agent
),

kept_province_hours AS (
    INSERT INTO daily_province_hours (date, province, hour, calls, connected, talk_s, grade_9, grade_1, orders)
    SELECT :day, province, hour, calls, connected, talk_s, grade_9, grade_1, orders
    FROM province_hours
),

kept_hours AS (
    INSERT INTO daily_hours (date, hour, calls, connected, talk_s, grade_9, grade_1, orders)
    SELECT :day, hour, sum(calls), sum(connected), sum(talk_s), sum(grade_9), sum(grade_1), sum(orders)
    FROM province_hours
    GROUP BY hour
),

kept_provinces AS (
    INSERT INTO daily_provinces (date, province, calls, connected, talk_s, grade_9, grade_1, orders)
    SELECT :day, province, sum(calls), sum(connected), sum(talk_s), sum(grade_9), sum(grade_1), sum(orders)
    FROM province_hours
    GROUP BY province
),

kept_tasks AS (
    INSERT INTO daily_tasks (date, task_id, task_name, calls, connected, talk_s, grade_9, grade_1, orders)
    SELECT :day, task_id, task_name, sum(calls), sum(connected), sum(talk_s), sum(grade_9), sum(grade_1), sum(orders)
    FROM counted
    WHERE by_task
    GROUP BY task_id, task_name
)

INSERT INTO counted_days (date, fetch_number, counted_at)
VALUES (:day, :fetch_number, :now);
