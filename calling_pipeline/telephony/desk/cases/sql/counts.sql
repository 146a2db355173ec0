-- How many cases of a collector are open, may be called now, are left for this round, and are done.
SELECT
    count(*) FILTER (WHERE state = 'open') AS open,
    count(*) FILTER (WHERE state = 'open' AND coalesce(next_call_at, '-infinity') <= :now) AS due,
    count(*) FILTER (
        WHERE state = 'open' AND coalesce(next_call_at, '-infinity') <= :now AND last_run <> :run
    ) AS left_in_round,
    count(*) FILTER (WHERE done_at >= :today) AS done_today
FROM collector_cases
WHERE tenant_id = :tenant_id AND collector_id = :collector_id AND (state = 'open' OR done_at >= :today);
