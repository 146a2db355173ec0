-- Make one delivery of the newest revision of each report for every subscription that is active; a second time makes none.
--
-- A receiver who had an earlier revision gets a later one only as a correction, and only if the subscription wants those.
-- The first period of a subscription is the newest that was over on its first day: who subscribes today wants yesterday's report,
-- and none of those before that an installation makes or corrects afterwards.
-- `:due` says from when on a subscription with those days and that hour is served now. The Message-ID is made of the row's
-- key, so that it is the same at every attempt.
INSERT INTO report_deliveries (
    report_id, kind, first, last, revision, receiver, language, formats, correction, message_id, state, attempts, failures,
    due_at, answer, queue_id, history, created_at
)
SELECT
    r.id,
    r.kind,
    r.first,
    r.last,
    r.revision,
    s.receiver,
    s.language,
    s.formats,
    had.earlier,
    '<report.' || r.kind || '.' || r.first || '.r' || r.revision || '.'
    || left(encode(sha256(convert_to(lower(s.receiver), 'UTF8')), 'hex'), 20) || '@' || cast(:domain AS text) || '>',
    'pending',
    0,
    0,
    due.at,
    '',
    '',
    '[]',
    :now
FROM reports AS r
INNER JOIN report_subscriptions AS s
    ON
        r.kind = s.kind
        AND s.ended_at IS NULL
        AND r.made_at >= s.created_at
        AND s.first <= (r.made_at AT TIME ZONE 'Asia/Shanghai')::date
        AND (s.until IS NULL OR s.until >= (r.made_at AT TIME ZONE 'Asia/Shanghai')::date)
        AND r.last + (r.last - r.first + 1) >= s.first
INNER JOIN unnest(cast(:week_days AS text[]), cast(:not_before AS integer[]), cast(:due AS timestamptz[])) AS due (week_days, hour, at)
    ON s.week_days = due.week_days AND s.not_before = due.hour
CROSS JOIN
    LATERAL (
        SELECT
            exists(
                SELECT FROM report_deliveries AS d
                WHERE
                    d.kind = r.kind
                    AND d.first = r.first
                    AND lower(d.receiver) = lower(s.receiver)
                    AND d.revision < r.revision
                    AND d.state IN ('sending', 'sent', 'unknown')
            ) AS earlier
    ) AS had
WHERE
    r.made_at >= :since
    AND NOT EXISTS (
        SELECT FROM reports AS newer
        WHERE newer.kind = r.kind AND newer.first = r.first AND newer.revision > r.revision
    )
    AND (s.corrections OR NOT had.earlier)
ON CONFLICT DO NOTHING
