-- The newest run of each of `schedules` that ever started one; in Dagster their names begin with :prefix.
SELECT
    schedule.name AS schedule,
    newest.run_id,
    newest.status,
    to_timestamp(newest.start_time) AS started_at,
    to_timestamp(newest.end_time) AS ended_at
FROM unnest(cast(:schedules AS text[])) AS schedule (name)
CROSS JOIN
    LATERAL (
        SELECT runs.run_id, runs.status, runs.start_time, runs.end_time
        FROM run_tags
        INNER JOIN runs ON run_tags.run_id = runs.run_id
        WHERE run_tags.key = 'dagster/schedule_name' AND run_tags.value = :prefix || schedule.name
        ORDER BY runs.id DESC
        LIMIT 1
    ) AS newest;
