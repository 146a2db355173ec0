-- The agents of each period, newest period first and each in the order of a single day's ranking: orders, 9-yuan orders,
-- connected calls; calls of no agent come last. Periods begin on the days `starts` and follow each other until `last`. `days`:
-- those with calls of the agent; `total_rows`: how many rows there are without the limit. Only periods that are shown are put
-- into their order.
-- The months from `months_first` and before `months_until`, each whole within one period, are read as they are kept added up;
-- the days around them by themselves. Where the two are one day, no month is.
WITH counted AS (
    SELECT date, agent_id, 1 AS days, calls, connected, talk_s, grade_9, grade_1, orders
    FROM daily_agents
    WHERE date >= (cast(:starts AS date[]))[1] AND date < :months_first
    UNION ALL
    SELECT month, agent_id, days, calls, connected, talk_s, grade_9, grade_1, orders
    FROM monthly_agents
    WHERE month >= :months_first AND month < :months_until
    UNION ALL
    SELECT date, agent_id, 1 AS days, calls, connected, talk_s, grade_9, grade_1, orders
    FROM daily_agents
    WHERE date >= :months_until AND date <= :last
),

added AS MATERIALIZED (
    SELECT
        width_bucket(date, cast(:starts AS date[])) AS place,
        agent_id,
        cast(sum(days) AS bigint) AS days,
        cast(sum(calls) AS bigint) AS calls,
        cast(sum(connected) AS bigint) AS connected,
        cast(sum(talk_s) AS bigint) AS talk_s,
        cast(sum(grade_9) AS bigint) AS grade_9,
        cast(sum(grade_1) AS bigint) AS grade_1,
        cast(sum(orders) AS bigint) AS orders
    FROM counted
    GROUP BY 1, 2
),

places AS (
    SELECT
        place,
        sum(count(*)) OVER (ORDER BY place DESC) - count(*) AS newer,
        cast(sum(count(*)) OVER () AS bigint) AS total_rows
    FROM added
    GROUP BY place
)

SELECT
    (cast(:starts AS date[]))[added.place] AS start,
    added.agent_id,
    added.days,
    added.calls,
    added.connected,
    added.talk_s,
    added.grade_9,
    added.grade_1,
    added.orders,
    places.total_rows
FROM added
INNER JOIN places ON added.place = places.place AND places.newer < :most
ORDER BY
    added.place DESC,
    (added.agent_id = ''),
    added.orders DESC,
    added.grade_9 DESC,
    added.connected DESC,
    added.agent_id
LIMIT :most;
