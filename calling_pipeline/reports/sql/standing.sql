-- For each asked period: the state of its newest revision, null without one, and whether the kept numbers of its days add
-- up to something else than that revision's control totals, or are distributed otherwise over agents and hours than when it
-- was made or last compared; and what they add up to. `counts`: one number that differs where any count of an agent or an
-- hour does. One row a period, in no order; it locks nothing.
WITH asked AS (
    SELECT
        kind,
        first,
        last
    FROM unnest(cast(:kinds AS text[]), cast(:firsts AS date[]), cast(:lasts AS date[])) AS given (kind, first, last)
),

counted AS MATERIALIZED (
    SELECT
        parts.date,
        bit_xor(parts.counts) AS counts
    FROM (
        SELECT
            agents.date,
            hashtextextended(cast(agents AS text), 0) AS counts
        FROM daily_agents AS agents
        UNION ALL
        SELECT
            hours.date,
            hashtextextended(cast(hours AS text), 1) AS counts
        FROM daily_hours AS hours
    ) AS parts
    WHERE parts.date BETWEEN (SELECT min(first) FROM asked) AND (SELECT max(last) FROM asked)
    GROUP BY parts.date
)

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
        OR coalesce(parts.counts <> cast(newest.sources ->> 'counts' AS bigint), FALSE)
    ) AS changed,
    days.task_days,
    days.grade_days,
    days.dialled,
    days.connected,
    days.records,
    days.grade_9,
    days.grade_1,
    days.orders,
    parts.counts
FROM asked
LEFT JOIN LATERAL (
    SELECT
        reports.id,
        reports.state,
        reports.control,
        reports.sources
    FROM reports
    WHERE reports.kind = asked.kind AND reports.first = asked.first
    ORDER BY reports.revision DESC
    LIMIT 1
) AS newest ON TRUE
LEFT JOIN LATERAL (
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
) AS days ON TRUE
LEFT JOIN LATERAL (
    SELECT coalesce(bit_xor(counted.counts), 0) AS counts
    FROM counted
    WHERE counted.date BETWEEN asked.first AND asked.last
) AS parts ON TRUE
