-- Rank the agents of a day whose ranking was just deleted: by orders, then 9-yuan orders, then connected calls. Calls of
-- no agent (an empty id) come last.
INSERT INTO agent_ranking (date, agent_id, position, calls, connected, talk_s, grade_9, grade_1, orders)
SELECT
    :day,
    agent_id,
    row_number() OVER (
        ORDER BY
            (agent_id = ''),
            count(*) FILTER (WHERE order_yuan <> 0) DESC,
            count(*) FILTER (WHERE order_yuan = 9) DESC,
            count(*) FILTER (WHERE call_state = 2) DESC,
            agent_id
    ),
    count(*),
    count(*) FILTER (WHERE call_state = 2),
    coalesce(sum(duration_s), 0),
    count(*) FILTER (WHERE order_yuan = 9),
    count(*) FILTER (WHERE order_yuan = 1),
    count(*) FILTER (WHERE order_yuan <> 0)
FROM call_records
WHERE date = :day
GROUP BY agent_id;
