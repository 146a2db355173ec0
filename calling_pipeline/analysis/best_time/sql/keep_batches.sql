-- Both arms of each batch of a calling task from `first` to `last` that was ordered by hour: all calls that got an hour and are
-- over, whatever became of them. One that was never made, or has no record, is no success.
INSERT INTO best_time_batches (
    batch_id, calling_task_id, day, ordered, ordered_successes, exploring, exploring_successes
)
SELECT
    batch.id, batch.calling_task_id, batch.day,
    count(*) FILTER (WHERE task.arm = 'ordered'),
    count(*) FILTER (WHERE task.arm = 'ordered' AND success.happened),
    count(*) FILTER (WHERE task.arm = 'exploring'),
    count(*) FILTER (WHERE task.arm = 'exploring' AND success.happened)
FROM call_batches AS batch
INNER JOIN call_tasks AS task ON task.batch_id = batch.id
LEFT JOIN call_results AS result ON result.call_task_id = task.id
CROSS JOIN
    LATERAL (
        SELECT CASE WHEN :ordered THEN result.order_yuan > 0 ELSE result.result = 'connected' END AS happened
    ) AS success
WHERE
    batch.calling_task_id = :calling_task_id AND batch.best_time IS NOT NULL AND batch.day BETWEEN :first AND :last
    AND task.arm IS NOT NULL AND task.state NOT IN ('pending', 'pushing', 'unknown')
GROUP BY batch.id
ON CONFLICT (batch_id) DO UPDATE SET
    ordered = excluded.ordered, ordered_successes = excluded.ordered_successes,
    exploring = excluded.exploring, exploring_successes = excluded.exploring_successes;
