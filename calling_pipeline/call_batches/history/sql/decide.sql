-- What each number of `history_wanted` would make of the call history: `new`, `changed` or `unchanged`. A number without a
-- time counts as called at the import that first brought it, or brought more calls: as late as it can be, so that a recall
-- window begins then. So the same rows change nothing the second time.
INSERT INTO history_decided (
    phone, first_line, verdict, first_at, called_at, calls, staff_name, sys_name, order_type, order_nums, updated_time
)
SELECT
    wanted.phone,
    wanted.first_line,
    CASE
        WHEN known.phone IS NULL THEN 'new'
        WHEN
            wanted.calls > known.imported_calls
            OR least(wanted.first_at, timed.called_at) < known.first_called_at
            OR timed.called_at > coalesce(known.imported_called_at, '-infinity')
            OR coalesce(wanted.updated_time, timed.called_at) > coalesce(known.updated_time, '-infinity')
            OR (merged.staff_name IS DISTINCT FROM known.staff_name)
            OR (merged.sys_name IS DISTINCT FROM known.sys_name)
            OR (merged.order_type IS DISTINCT FROM known.order_type)
            OR (merged.order_nums IS DISTINCT FROM known.order_nums)
            THEN 'changed'
        ELSE 'unchanged'
    END,
    least(wanted.first_at, timed.called_at),
    timed.called_at, wanted.calls, wanted.staff_name, wanted.sys_name, wanted.order_type, wanted.order_nums,
    coalesce(wanted.updated_time, timed.called_at)
FROM history_wanted AS wanted
LEFT JOIN call_history AS known ON known.phone = wanted.phone
CROSS JOIN
    LATERAL (
        SELECT
            moment.called_at,
            moment.called_at >= known.last_called_at AS is_newer
        FROM (
            SELECT
                coalesce(
                    wanted.known_at,
                    CASE WHEN known.imported_calls >= wanted.calls THEN known.imported_called_at END,
                    cast(:now AS timestamptz)
                ) AS called_at
        ) AS moment
    ) AS timed
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN timed.is_newer THEN coalesce(wanted.staff_name, known.staff_name)
            ELSE coalesce(known.staff_name, wanted.staff_name)
        END AS staff_name,
        CASE
            WHEN timed.is_newer THEN coalesce(wanted.sys_name, known.sys_name)
            ELSE coalesce(known.sys_name, wanted.sys_name)
        END AS sys_name,
        CASE
            WHEN timed.is_newer THEN coalesce(wanted.order_type, known.order_type)
            ELSE coalesce(known.order_type, wanted.order_type)
        END AS order_type,
        CASE
            WHEN timed.is_newer THEN coalesce(wanted.order_nums, known.order_nums)
            ELSE coalesce(known.order_nums, wanted.order_nums)
        END AS order_nums
) AS merged
