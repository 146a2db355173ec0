-- The agents of each period from `starts` to `ends`, newest period first and each in the order of a single day's ranking:
-- orders, 9-yuan orders, connected calls; calls of no agent come last. `days`: those with calls of the agent; `total_rows`:
-- how many rows there are without the limit.
SELECT
    period.start,
    agents.agent_id,
    agents.days,
    agents.calls,
    agents.connected,
    agents.talk_s,
    agents.grade_9,
    agents.grade_1,
    agents.orders,
    count(*) OVER () AS total_rows
FROM unnest(cast(:starts AS date[]), cast(:ends AS date[])) AS period (start, stop)
CROSS JOIN
    LATERAL (
        SELECT
            counted.agent_id,
            count(*) AS days,
            cast(sum(counted.calls) AS bigint) AS calls,
            cast(sum(counted.connected) AS bigint) AS connected,
            cast(sum(counted.talk_s) AS bigint) AS talk_s,
            cast(sum(counted.grade_9) AS bigint) AS grade_9,
            cast(sum(counted.grade_1) AS bigint) AS grade_1,
            cast(sum(counted.orders) AS bigint) AS orders
        FROM daily_agents AS counted
        WHERE counted.date BETWEEN period.start AND period.stop
        GROUP BY counted.agent_id
    ) AS agents
ORDER BY
    period.start DESC,
    (agents.agent_id = ''),
    agents.orders DESC,
    agents.grade_9 DESC,
    agents.connected DESC,
    agents.agent_id
LIMIT :most;
