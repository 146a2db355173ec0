-- The batches of the days from :first to :last with their cards and, where they were joined with call records, the results
-- of their pushed calls. The largest come first. Numbers are null where nothing is known.
SELECT
    batches.id AS batch_id,
    batches.task_name,
    batches.day,
    batches.state,
    cast(batches.card ->> 'source_rows' AS bigint) AS source_rows,
    cast(batches.card ->> 'to_call' AS bigint) AS to_call,
    results.pushed,
    results.connected,
    results.not_connected,
    results.not_dialled,
    results.waiting,
    results.order_9,
    results.order_1,
    results.batch_id IS NOT NULL AS joined
FROM call_batches AS batches
LEFT JOIN call_result_batches AS results ON batches.id = results.batch_id
WHERE batches.day BETWEEN :first AND :last
ORDER BY cast(batches.card ->> 'to_call' AS bigint) DESC NULLS LAST, batches.id
