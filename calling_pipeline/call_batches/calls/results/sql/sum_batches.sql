-- Add up the results of the day's batches anew.
INSERT INTO call_result_batches (
    batch_id, day, pushed, connected, not_connected, not_dialled, waiting, order_9, order_1, talk_s, oldest_waiting_at, joined_at
)
SELECT
    batch_id,
    day,
    count(*),
    count(*) FILTER (WHERE result = 'connected'),
    count(*) FILTER (WHERE result = 'not_connected'),
    count(*) FILTER (WHERE result = 'not_dialled'),
    count(*) FILTER (WHERE result = 'waiting'),
    count(*) FILTER (WHERE order_yuan = 9),
    count(*) FILTER (WHERE order_yuan = 1),
    coalesce(sum(talk_s), 0),
    min(pushed_at) FILTER (WHERE result = 'waiting'),
    :now
FROM call_results
WHERE
    batch_id IN (
        SELECT id FROM call_batches
        WHERE day = :day
    )
GROUP BY batch_id, day
ON CONFLICT (batch_id) DO UPDATE SET
    pushed = excluded.pushed,
    connected = excluded.connected,
    not_connected = excluded.not_connected,
    not_dialled = excluded.not_dialled,
    waiting = excluded.waiting,
    order_9 = excluded.order_9,
    order_1 = excluded.order_1,
    talk_s = excluded.talk_s,
    oldest_waiting_at = excluded.oldest_waiting_at,
    joined_at = excluded.joined_at;
