-- Record the results of attempts. Recording one twice changes nothing.
--
-- A delivery that was claimed again since, or settled by hand, is left alone. One that was marked unknown while its
-- process was still alive gets its true state.
UPDATE report_deliveries AS d
SET
    state = result.state,
    due_at = result.due_at,
    failures = d.failures + result.failed,
    answer = result.answer,
    queue_id = result.queue_id,
    settled_at = CASE WHEN result.state IN ('sent', 'refused', 'dead') THEN :now::timestamptz END,
    history = d.history || jsonb_build_object(
        'at', :now::timestamptz, 'from', d.state, 'to', result.state, 'attempt', d.attempts, 'why', result.answer
    )
FROM
    unnest(
        :ids::bigint[],
        :attempts::int[],
        :states::text[],
        :answers::text[],
        :queue_ids::text[],
        :due::timestamptz[],
        :failed::int[]
    ) AS result (id, attempts, state, answer, queue_id, due_at, failed)
WHERE
    d.id = result.id
    AND d.attempts = result.attempts
    AND d.mailer = :me
    AND d.state IN ('sending', 'unknown')
