-- The calls of a batch that are to be made, in the source's order, each with the province its number's segment is known for.
SELECT
    task.id, coalesce(segment.province, '') AS province
FROM call_tasks AS task
LEFT JOIN number_segments AS segment ON segment.segment = left(task.phone, 7)
WHERE task.batch_id = :batch_id AND task.state = 'pending'
ORDER BY task.source_row;
