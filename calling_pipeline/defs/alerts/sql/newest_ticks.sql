-- The newest finished tick of each schedule and sensor among `selectors`, each found by its index entry.
SELECT
    tick.id,
    tick.selector_id,
    tick.tick_body
FROM unnest(cast(:selectors AS text[])) AS wanted (selector_id)
CROSS JOIN LATERAL (
    SELECT
        job_ticks.id,
        job_ticks.selector_id,
        job_ticks.tick_body
    FROM job_ticks
    WHERE job_ticks.selector_id = wanted.selector_id AND job_ticks.status IN ('SUCCESS', 'SKIPPED', 'FAILURE')
    ORDER BY job_ticks.timestamp DESC
    LIMIT 1
) AS tick
