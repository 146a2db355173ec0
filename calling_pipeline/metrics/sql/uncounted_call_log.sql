-- Rows of the call log that are not counted into `measures` yet, by outcome; at most :most ids of them.
SELECT call_log.outcome, count(*) AS number
FROM measure_marks AS mark
INNER JOIN call_log ON call_log.id > mark.counted_to AND call_log.id <= mark.counted_to + :most
WHERE mark.source = 'call_log'
GROUP BY call_log.outcome;
