-- Every receiver's lane: what waits, the claims of its last minute, the messages made since :since by state, when one was
-- last delivered, and what the oldest waiting message was last answered.
SELECT
    lane.receiver,
    (
        SELECT count(*)
        FROM {box} AS m
        WHERE m.receiver = lane.receiver AND m.state IN ('pending', 'sending')
    ) AS waiting,
    (
        SELECT count(*)
        FROM unnest(lane.recent) AS claims (at)
        WHERE claims.at > :now - :window_s * interval '1 second'
    ) AS recent,
    coalesce(
        (
            SELECT jsonb_object_agg(by_state.state, by_state.messages)
            FROM (
                SELECT
                    m.state,
                    count(*) AS messages
                FROM {box} AS m
                WHERE m.receiver = lane.receiver AND m.created_at >= :since
                GROUP BY m.state
            ) AS by_state
        ),
        '{}'
    ) AS made,
    (
        SELECT m.settled_at
        FROM {box} AS m
        WHERE m.receiver = lane.receiver AND m.state = 'delivered'
        ORDER BY m.created_at DESC, m.id DESC
        LIMIT 1
    ) AS last_delivered_at,
    (
        SELECT m.last_error
        FROM {box} AS m
        WHERE m.receiver = lane.receiver AND m.state IN ('pending', 'sending')
        ORDER BY m.id
        LIMIT 1
    ) AS last_error
FROM notification_lanes AS lane
ORDER BY lane.receiver
