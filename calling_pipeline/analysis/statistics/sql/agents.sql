-- The agents over the days from `first` to `last`, added up by `start`: the first day of the day, week or month, or of the
-- range. `days`: those with calls of the agent.
SELECT
    cast({start} AS date) AS start,
    agent_id,
    count(*) AS days,
    cast(sum(calls) AS bigint) AS calls,
    cast(sum(connected) AS bigint) AS connected,
    cast(sum(talk_s) AS bigint) AS talk_s,
    cast(sum(grade_9) AS bigint) AS grade_9,
    cast(sum(grade_1) AS bigint) AS grade_1,
    cast(sum(orders) AS bigint) AS orders
FROM daily_agents
WHERE date BETWEEN :first AND :last
GROUP BY 1, agent_id;
