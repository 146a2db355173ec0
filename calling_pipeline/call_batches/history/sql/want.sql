-- One row per number of `history_lines`, with all that its lines say: the first and the newest call, how many calls (a line
-- without a count is one), and the business columns of the newest line. `known_at` is null when no line has a
-- time.
INSERT INTO history_wanted (
    phone, first_line, first_at, known_at, calls, staff_name, sys_name, order_type, order_nums, updated_time
)
SELECT DISTINCT ON (line.phone)
    line.phone,
    min(line.line) OVER number AS first_line,
    min(coalesce(line.first_at, line.last_at)) OVER number AS first_at,
    max(line.last_at) OVER number AS known_at,
    greatest(
        max(line.calls) OVER number, count(*) FILTER (WHERE line.calls IS NULL) OVER number
    ) AS calls,
    line.staff_name, line.sys_name, line.order_type, line.order_nums,
    max(line.updated_time) OVER number AS updated_time
FROM history_lines AS line
WHERE line.phone IS NOT NULL AND line.reason IS NULL
WINDOW number AS (PARTITION BY line.phone)
ORDER BY line.phone, line.last_at DESC NULLS LAST, line.line DESC
