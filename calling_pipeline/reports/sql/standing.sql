-- For each asked period: the state of its newest revision, null without one, and whether the kept numbers of its days add
-- up to something else than that revision's control totals; and what they add up to. One row a period, in no order; it locks nothing.
SELECT
    asked.kind,
    asked.first,
    newest.state,
    newest.id IS NOT NULL AND (
        days.task_days <> cast(newest.control ->> 'task_days' AS bigint)
        OR days.grade_days <> cast(newest.control ->> 'grade_days' AS bigint)
        OR days.dialled <> cast(newest.control ->> 'dialled' AS bigint)
        OR days.connected <> cast(newest.control ->> 'connected' AS bigint)
        OR days.records <> cast(newest.control ->> 'records' AS bigint)
        OR days.grade_9 <> cast(newest.control ->> 'grade_9' AS bigint)
        OR days.grade_1 <> cast(newest.control ->> 'grade_1' AS bigint)
        OR days.orders <> cast(newest.control ->> 'orders' AS bigint)
    ) AS changed,
    days.task_days,
    days.grade_days,
    days.dialled,
    days.connected,
    days.records,
    days.grade_9,
    days.grade_1,
    days.orders
FROM
    unnest(cast(:kinds AS text[]), cast(:firsts AS date[]), cast(:lasts AS date[])) AS asked (kind, first, last)
LEFT JOIN LATERAL (
    SELECT
        reports.id,
        reports.state,
        reports.control
    FROM reports
    WHERE reports.kind = asked.kind AND reports.first = asked.first
    ORDER BY reports.revision DESC
    LIMIT 1
) AS newest ON TRUE
CROSS JOIN LATERAL (
    SELECT
        count(history.callout_number) AS task_days,
        count(history.total_records) AS grade_days,
        coalesce(sum(history.callout_number), 0) AS dialled,
        coalesce(sum(history.called_number), 0) AS connected,
        coalesce(sum(history.total_records), 0) AS records,
        coalesce(sum(history.grade_9), 0) AS grade_9,
        coalesce(sum(history.grade_1), 0) AS grade_1,
        coalesce(sum(history.total_success), 0) AS orders
    FROM daily_history AS history
    WHERE history.date BETWEEN asked.first AND asked.last
) AS days
