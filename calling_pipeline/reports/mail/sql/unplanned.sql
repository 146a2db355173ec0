-- Whether a report made since :since has an active subscription that no delivery was made for.
SELECT exists(
    SELECT FROM reports AS r
    INNER JOIN report_subscriptions AS s
        ON
            r.kind = s.kind
            AND s.ended_at IS NULL
            AND r.made_at >= s.created_at
            AND s.first <= (r.made_at AT TIME ZONE 'Asia/Shanghai')::date
            AND (s.until IS NULL OR s.until >= (r.made_at AT TIME ZONE 'Asia/Shanghai')::date)
            AND r.last + (r.last - r.first + 1) >= s.first
    WHERE
        r.made_at >= :since
        AND NOT EXISTS (
            SELECT FROM reports AS newer
            WHERE newer.kind = r.kind AND newer.first = r.first AND newer.revision > r.revision
        )
        AND NOT EXISTS (
            SELECT FROM report_deliveries AS d
            WHERE
                d.kind = r.kind
                AND d.first = r.first
                AND lower(d.receiver) = lower(s.receiver)
                AND (
                    d.revision = r.revision
                    OR (NOT s.corrections AND d.state IN ('sending', 'sent', 'unknown'))
                )
        )
)
