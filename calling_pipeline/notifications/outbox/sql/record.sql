-- Record the results of attempts. Recording one twice changes nothing.
--
-- A message that was claimed again since, or settled by hand, is left alone. One that was marked unknown while its
-- dispatcher was still alive gets its true state.
UPDATE {box} AS m
SET
    state = result.state,
    due_at = result.due_at,
    failures = m.failures + result.failed,
    last_error = result.reason,
    settled_at = CASE WHEN result.state IN ('delivered', 'dead') THEN :now END,
    alerted_at = CASE WHEN result.state = m.state THEN m.alerted_at END,
    history = CASE
        WHEN result.state = 'delivered' AND m.state = 'sending' THEN m.history
        ELSE m.history || jsonb_build_object(
            'at', :now::timestamptz, 'from', m.state, 'to', result.state, 'attempt', m.attempts, 'why', result.reason
        )
    END
FROM
    unnest(
        :ids::bigint[], :attempts::int[], :states::text[], :reasons::text[], :due::timestamptz[], :failed::int[]
    ) AS result (id, attempts, state, reason, due_at, failed)
WHERE
    m.id = result.id
    AND m.attempts = result.attempts
    AND m.dispatcher = :me
    AND m.state IN ('sending', 'unknown')
