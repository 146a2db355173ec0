-- Claim the oldest due message of every receiver that has none in flight, within a robot's rate; none while messages are held.
--
-- The lock on the receiver's lane lets one dispatcher at a time choose for a receiver; lanes that another one has locked
-- are skipped. A robot's claims of the last minute are counted in its lane.
--
-- `m.state = 'pending'` in `claimed` is no repetition: `free` reads a snapshot, and a dispatcher that committed between
-- the snapshot and the lock of the lane has claimed the same message; without it the message would be sent twice.
-- `NOT EXISTS` keeps a receiver's messages in order; the unique index `uq_…_one_in_flight_a_receiver` would refuse a
-- second one as well, but with it all other claims of the statement.
WITH free AS MATERIALIZED (
    SELECT
        lane.receiver,
        head.id
    FROM notification_lanes AS lane
    CROSS JOIN
        LATERAL (
            SELECT
                m.id,
                m.due_at
            FROM {box} AS m
            WHERE m.receiver = lane.receiver AND m.state = 'pending'
            ORDER BY m.id
            LIMIT 1
        ) AS head
    WHERE
        head.due_at <= :now
        AND NOT EXISTS (
            SELECT FROM outgoing_holds AS held
            WHERE held.act = 'messages'
        )
        AND NOT EXISTS (
            SELECT FROM {box} AS f
            WHERE f.receiver = lane.receiver AND f.state = 'sending'
        )
        AND (
            :rate::int = 0
            OR lane.receiver NOT LIKE 'robot:%'
            OR (
                SELECT count(*)
                FROM unnest(lane.recent) AS claims (at)
                WHERE claims.at > :now - :window_s * interval '1 second'
            ) < :rate::int
        )
    LIMIT :slots
    FOR UPDATE OF lane SKIP LOCKED
),

claimed AS (
    UPDATE {box} AS m
    SET state = 'sending', dispatcher = :me, claimed_at = :now, attempts = m.attempts + 1
    FROM free
    WHERE m.id = free.id AND m.state = 'pending' AND m.due_at <= :now
    RETURNING m.id, m.receiver, m.body, m.attempts, m.failures
),

counted AS (
    UPDATE notification_lanes AS lane
    SET
        recent = array(
            SELECT claims.at
            FROM unnest(lane.recent) AS claims (at)
            WHERE claims.at > :now - :window_s * interval '1 second'
        ) || :now::timestamptz
    FROM claimed
    WHERE lane.receiver = claimed.receiver AND :rate::int > 0 AND lane.receiver LIKE 'robot:%'
)

SELECT
    id,
    receiver,
    body,
    attempts,
    failures
FROM claimed
ORDER BY id
