-- How many messages wait for each receiver, and how many were claimed within its last minute.
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
    ) AS recent
FROM notification_lanes AS lane
