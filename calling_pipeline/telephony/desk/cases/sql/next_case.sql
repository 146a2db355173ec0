-- The case that is called next: open, due, not called in this round yet. Those that were called less often come first, in
-- the order of the list.
SELECT id
FROM collector_cases
WHERE
    tenant_id = :tenant_id AND collector_id = :collector_id AND state = 'open'
    AND coalesce(next_call_at, '-infinity') <= :now AND last_run <> :run
ORDER BY calls, place, id
LIMIT 1;
