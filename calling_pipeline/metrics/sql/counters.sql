-- What is kept of every measure, and the rows of the call log that are not counted into it yet by outcome, at most :most ids
-- of them: one statement, so that no row is counted in both or in neither.
SELECT name, labels, number, total, buckets FROM measures
UNION ALL
SELECT 'calling_batch_calls', ARRAY[call_log.outcome], count(*), 0, '{}'
FROM measure_marks AS mark
INNER JOIN call_log ON call_log.id > mark.counted_to AND call_log.id <= mark.counted_to + :most
WHERE mark.source = 'call_log'
GROUP BY call_log.outcome
ORDER BY 1, 2;
