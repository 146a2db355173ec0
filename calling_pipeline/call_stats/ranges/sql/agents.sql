-- The agents of the days from `first` to `last` as far as they are cached, with the sums of their days, in the
-- order of a single day's ranking: orders, 9-yuan orders, connected calls; calls of no agent come last.
SELECT
    agent_id,
    row_number() OVER (
        ORDER BY (agent_id = ''), sum(orders) DESC, sum(grade_9) DESC, sum(connected) DESC, agent_id
    ) AS position,
    count(*) AS days,
    cast(sum(calls) AS bigint) AS calls,
    cast(sum(connected) AS bigint) AS connected,
    cast(sum(talk_s) AS bigint) AS talk_s,
    cast(sum(grade_9) AS bigint) AS grade_9,
    cast(sum(grade_1) AS bigint) AS grade_1,
    cast(sum(orders) AS bigint) AS orders
FROM agent_ranking
WHERE date BETWEEN :first AND :last
GROUP BY agent_id
ORDER BY position
LIMIT :max_rows;
