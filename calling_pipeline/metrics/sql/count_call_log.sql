-- Counts new rows of the call log into `measures`, at most :most ids at once, once over all processes. An id is counted when
-- every transaction that was open when it was seen has ended: one that drew a smaller id cannot come later.
WITH mark AS (
    SELECT counted_to, seen_to, pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= seen_by AS settled
    FROM measure_marks
    WHERE source = 'call_log'
    FOR UPDATE SKIP LOCKED
),

reach AS (
    SELECT
        counted_to,
        seen_to,
        settled,
        CASE WHEN settled THEN least(seen_to, counted_to + :most) ELSE counted_to END AS upto
    FROM mark
),

noted AS (
    INSERT INTO measures (name, labels, number, total, buckets)
    SELECT 'calling_batch_calls', ARRAY[call_log.outcome], count(*), 0, '{}'
    FROM reach
    INNER JOIN call_log ON call_log.id > reach.counted_to AND call_log.id <= reach.upto
    GROUP BY call_log.outcome
    ORDER BY call_log.outcome
    ON CONFLICT (name, labels) DO UPDATE SET number = measures.number + excluded.number
)

UPDATE measure_marks
SET
    counted_to = reach.upto,
    seen_to = CASE
        WHEN reach.upto < reach.seen_to THEN reach.seen_to
        ELSE greatest(reach.seen_to, (SELECT max(id) FROM call_log))
    END,
    seen_by = CASE
        WHEN reach.upto < reach.seen_to THEN measure_marks.seen_by
        ELSE pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    END,
    seen_at = :now
FROM reach
WHERE measure_marks.source = 'call_log';
