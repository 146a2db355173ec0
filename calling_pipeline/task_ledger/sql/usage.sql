-- Tasks and credits per day and feature from `first` on and before `until`, counted from the ledger itself. A task counts
-- on the day it was created, on the day it was finished, and on the days its charge and its refusals were made.
SELECT
    cast(at AS date) AS date,
    feature,
    count(*) FILTER (WHERE kind = 'created') AS created,
    count(*) FILTER (WHERE kind = 'completed') AS completed,
    count(*) FILTER (WHERE kind = 'failed') AS failed,
    count(*) FILTER (WHERE kind = 'created' AND open) AS pending,
    count(*) FILTER (WHERE kind = 'charge') AS charges,
    cast(coalesce(sum(credits), 0) AS bigint) AS credits,
    count(*) FILTER (WHERE kind = 'refusal') AS refusals
FROM (
    SELECT created_at AS at, feature, 'created' AS kind, state = 'pending' AS open, 0 AS credits
    FROM task_ledger
    WHERE created_at >= :first AND created_at < :until
    UNION ALL
    SELECT finished_at, feature, state, FALSE, 0
    FROM task_ledger
    WHERE finished_at >= :first AND finished_at < :until
    UNION ALL
    SELECT charged_at, feature, 'charge', FALSE, credits
    FROM task_charges
    WHERE charged_at >= :first AND charged_at < :until
    UNION ALL
    SELECT refused_at, task.feature, 'refusal', FALSE, 0
    FROM task_refusals
    INNER JOIN task_ledger AS task USING (task_id)
    WHERE refused_at >= :first AND refused_at < :until
) AS event
GROUP BY 1, 2
ORDER BY 1, 2;
