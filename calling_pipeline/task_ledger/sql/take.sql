-- Tasks of another ledger, each at its own time. One that is known stays, unless it was taken over itself and this row moves it
-- on: pending to completed or failed, failed to completed. Returns what changed.
INSERT INTO task_ledger AS kept (
    task_id, feature, state, credits, free, charged_act, details, created_at, created_by, updated_at, updated_by, finished_at,
    saves, last_outcome
)
SELECT
    task_id, feature, state, credits, credits = 0, task_id, details::jsonb, at, :by, at, :by,
    CASE WHEN state <> 'pending' THEN at END, 1, 'created'
FROM
    unnest(
        cast(:ids AS text[]), cast(:features AS text[]), cast(:states AS text[]), cast(:credits AS bigint[]),
        cast(:at AS timestamptz[]), cast(:details AS text[])
    ) AS old (task_id, feature, state, credits, at, details)
ON CONFLICT (task_id) DO UPDATE
    SET
        state = excluded.state,
        credits = excluded.credits,
        free = excluded.free,
        details = kept.details || excluded.details,
        updated_at = greatest(kept.updated_at, excluded.updated_at),
        updated_by = excluded.updated_by,
        finished_at = greatest(kept.created_at, excluded.finished_at),
        saves = kept.saves + 1,
        last_outcome = 'updated'
    WHERE
    kept.details ? 'taken_over'
    AND (
        (kept.state = 'pending' AND excluded.state IN ('completed', 'failed'))
        OR (kept.state = 'failed' AND excluded.state = 'completed')
    )
RETURNING kept.task_id, kept.state;
