-- Every number that one of the two called on the day or would have called, once: by both, or by one, with the reason why the
-- other did not. Ours are the numbers to call of the day's shadow batches, and those that were pushed where batches are pushed
-- already. A number that was left out here because its old call of the same day had been taken over counts for both.
INSERT INTO compared (phone, side, reason)
WITH old_side AS (
    SELECT DISTINCT phone
    FROM old_calls
    WHERE kind = 'called' AND called_at >= :since AND called_at < :until
),

rows_here AS (
    SELECT
        call.phone,
        bool_or(call.reason = 'shadow' OR call.state IN ('pushing', 'pushed', 'unknown')) AS to_call,
        min(call.reason) FILTER (WHERE call.reason <> 'duplicate') AS reason
    FROM call_tasks AS call
    INNER JOIN call_batches AS batch ON call.batch_id = batch.id
    WHERE batch.day = :day AND call.phone IS NOT NULL
    GROUP BY call.phone
),

new_side AS (
    SELECT phone
    FROM rows_here
    WHERE to_call
),

known_before AS (
    SELECT
        phone,
        bool_or(kind = 'called' AND called_at < :since) AS called,
        bool_or(kind = 'blocked') AS blocked
    FROM old_calls
    GROUP BY phone
)

SELECT
    coalesce(old_side.phone, new_side.phone) AS phone,
    CASE
        WHEN new_side.phone IS NULL AND here.reason = 'called_before' AND history.first_called_at >= :since THEN 'both'
        WHEN new_side.phone IS NULL THEN 'old'
        WHEN old_side.phone IS NULL THEN 'new'
        ELSE 'both'
    END AS side,
    CASE
        WHEN old_side.phone IS NOT NULL AND new_side.phone IS NOT NULL THEN ''
        WHEN
            new_side.phone IS NULL AND here.reason = 'called_before' AND history.first_called_at >= :since
            THEN 'taken_over_meanwhile'
        WHEN new_side.phone IS NULL AND here.reason IS NOT NULL THEN here.reason
        WHEN new_side.phone IS NULL AND EXISTS (
            SELECT 1
            FROM call_batches
            WHERE day = :day
        ) THEN 'not_in_a_source'
        WHEN new_side.phone IS NULL THEN 'no_batch_planned'
        WHEN before.blocked THEN 'on_old_do_not_call'
        WHEN before.called THEN 'called_before_by_old'
        ELSE 'not_called_by_old'
    END AS reason
FROM old_side
FULL JOIN new_side ON old_side.phone = new_side.phone
LEFT JOIN rows_here AS here ON old_side.phone = here.phone AND new_side.phone IS NULL
LEFT JOIN call_history AS history ON old_side.phone = history.phone AND new_side.phone IS NULL
LEFT JOIN known_before AS before ON new_side.phone = before.phone AND old_side.phone IS NULL;
