-- The first closed batch after `after` of a day before `first_kept` that still has rows that were left out. Only what is closed for good is taken: a batch with open or unknown calls waits.
SELECT
    batch.id,
    batch.day
FROM call_batches AS batch
WHERE
    batch.day < :first_kept AND batch.id > :after AND batch.state IN ('completed', 'cancelled')
    AND NOT EXISTS (
        SELECT FROM call_tasks AS task
        WHERE task.batch_id = batch.id AND task.state IN ('pending', 'pushing', 'unknown')
    )
    AND EXISTS (
        SELECT FROM call_tasks AS task
        WHERE task.batch_id = batch.id AND task.state = 'skipped'
    )
ORDER BY batch.id
LIMIT 1;
