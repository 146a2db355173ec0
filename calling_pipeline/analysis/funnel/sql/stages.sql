-- What became of the calls that the batches of the days from `first` to `last` pushed, by calling task, as of each batch's
-- last join with call records. `unjoined`: batches that pushed and were never joined.
SELECT
    batch.task_name,
    count(*) AS batches,
    count(*) FILTER (WHERE joined.batch_id IS NULL) AS unjoined,
    cast(coalesce(sum(joined.pushed), 0) AS bigint) AS pushed,
    cast(coalesce(sum(joined.waiting), 0) AS bigint) AS waiting,
    cast(coalesce(sum(joined.not_dialled), 0) AS bigint) AS not_dialled,
    cast(coalesce(sum(joined.not_connected), 0) AS bigint) AS not_connected,
    cast(coalesce(sum(joined.connected), 0) AS bigint) AS connected,
    cast(coalesce(sum(joined.order_9), 0) AS bigint) AS grade_9,
    cast(coalesce(sum(joined.order_1), 0) AS bigint) AS grade_1,
    cast(coalesce(sum(joined.talk_s), 0) AS bigint) AS talk_s,
    min(joined.oldest_waiting_at) AS oldest_waiting_at,
    min(joined.joined_at) AS joined_at
FROM call_batches AS batch
LEFT JOIN call_result_batches AS joined ON batch.id = joined.batch_id
WHERE batch.day BETWEEN :first AND :last AND batch.started_at IS NOT NULL
GROUP BY batch.task_name
ORDER BY pushed DESC, batch.task_name;
