-- Judge every push of the day's batches: its call record is the first of that number from the push on (less `tolerance`), before
-- the next push of the same number, whichever batch made that, and within `reach`. The stretches of a number's pushes do not
-- overlap, so a record belongs to at most one push. A push without a record is there with nulls.
INSERT INTO judged_results (
    call_task_id, batch_id, calling_task_id, day, phone, pushed_at, record_id, called_at, call_state, talk_s, order_yuan, agent_id,
    hangup_reason, province
)
WITH pushes AS (
    SELECT
        task.id, task.batch_id, batch.calling_task_id, batch.day, pushed.phone,
        coalesce(log.sent_at, task.claimed_at) AS pushed_at
    FROM pushed_phones AS pushed
    INNER JOIN call_log AS log ON pushed.phone = log.phone
    INNER JOIN call_tasks AS task ON log.call_task_id = task.id
    INNER JOIN call_batches AS batch ON task.batch_id = batch.id
    WHERE
        pushed.current AND log.recorded_at >= :first_at AND log.outcome IN ('pushed', 'settled_pushed')
        AND task.state = 'pushed'
),

stretches AS (
    SELECT
        id, batch_id, calling_task_id, day, phone, pushed_at,
        pushed_at - cast(:tolerance AS interval) AS opens_at,
        least(
            lead(pushed_at) OVER (PARTITION BY phone ORDER BY pushed_at, id) - cast(:tolerance AS interval),
            pushed_at + cast(:reach AS interval)
        ) AS closes_at
    FROM pushes
),

mine AS MATERIALIZED (
    SELECT * FROM stretches
    WHERE day = :day
),

found AS (
    SELECT DISTINCT ON (mine.id)
        mine.id AS call_task_id, record.id, record.called_at, record.call_state, record.duration_s, record.order_yuan,
        record.agent_id, record.hangup_reason, record.province
    FROM mine
    INNER JOIN pushed_phones AS hashed ON mine.phone = hashed.phone
    INNER JOIN call_records AS record
        ON
            hashed.phone_hash = record.phone_hash
            AND mine.opens_at <= record.called_at
            AND mine.closes_at > record.called_at
    WHERE record.date BETWEEN :first_day AND :last_day
    ORDER BY mine.id, record.called_at, record.id
)

SELECT
    mine.id, mine.batch_id, mine.calling_task_id, mine.day, mine.phone, mine.pushed_at, found.id, found.called_at,
    found.call_state, found.duration_s, found.order_yuan, found.agent_id, found.hangup_reason, found.province
FROM mine
LEFT JOIN found ON mine.id = found.call_task_id;
