-- The communication record that an intent led to whose process ended before it kept the answer: the collector's first one
-- about this case since then. No other press can have made one meanwhile.
SELECT id, state, failure
FROM communication_records
WHERE
    tenant_id = :tenant_id AND collector_id = :collector_id AND case_id = cast(:case_id AS text)
    AND started_at >= :since
ORDER BY id
LIMIT 1;
