-- Conditions that are or were failing: those that are open, and those that were closed since `since` unless `only_open`,
-- of `only_kind` unless that is empty; or the one of `wanted_id`. Open ones first, the newest change first.
SELECT
    id,
    name,
    kind,
    subject,
    day,
    failing,
    severity,
    room,
    title,
    text,
    link,
    coalesce(opened_at, announced_at) AS opened_at,
    closed_at,
    judged_at,
    announced_at,
    times_announced,
    event
FROM alert_conditions
WHERE
    (failing OR opened_at IS NOT NULL)
    AND CASE
        WHEN cast(:wanted_id AS bigint) IS NOT NULL THEN id = :wanted_id
        ELSE :only_kind IN ('', kind) AND (failing OR NOT :only_open AND closed_at >= :since)
    END
ORDER BY failing DESC, coalesce(closed_at, opened_at, announced_at) DESC, id DESC
LIMIT :max_rows OFFSET :rows_before
