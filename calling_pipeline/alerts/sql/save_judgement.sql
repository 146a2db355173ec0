-- Keep the newest judgement of a condition. Returns its id and whether it is to be announced: it turned bad or good, it
-- became an error, it is bad with another signature, or it is still bad and was last announced before `remind_before`.
-- An older event changes nothing and returns no row.
INSERT INTO alert_conditions AS known (
    name, kind, subject, day, failing, severity, room, title, text, link, signature, event, announced_event, announced_at,
    times_announced, opened_at, judged_at
)
VALUES (
    :name, :kind, :subject, :day, :failing, :severity, :room, :title, :text, :link, :signature, :event,
    CASE WHEN :failing THEN cast(:event AS bigint) END, :now,
    CASE WHEN :failing THEN 1 ELSE 0 END, CASE WHEN :failing THEN cast(:now AS timestamptz) END, :now
)
ON CONFLICT (name) DO UPDATE
    SET (
        kind, subject, day, failing, severity, room, title, text, link, signature, event, announced_event, announced_at,
        times_announced, opened_at, closed_at, judged_at
    ) = (
        SELECT
            excluded.kind,
            excluded.subject,
            excluded.day,
            excluded.failing,
            excluded.severity,
            excluded.room,
            excluded.title,
            excluded.text,
            excluded.link,
            excluded.signature,
            excluded.event,
            CASE WHEN change.announce THEN excluded.event ELSE known.announced_event END,
            CASE WHEN change.announce THEN excluded.announced_at ELSE known.announced_at END,
            CASE WHEN change.turned_bad THEN 1 ELSE known.times_announced + (change.announce AND excluded.failing)::int END,
            CASE WHEN change.turned_bad THEN excluded.judged_at ELSE known.opened_at END,
            CASE
                WHEN excluded.failing THEN NULL
                WHEN known.failing THEN excluded.judged_at
                ELSE known.closed_at
            END,
            excluded.judged_at
        FROM (
            SELECT
                excluded.failing AND NOT known.failing,
                excluded.failing <> known.failing
                OR excluded.failing AND known.announced_at <= :remind_before
                OR excluded.failing AND excluded.severity = 'error' AND known.severity <> 'error'
                OR excluded.failing AND excluded.signature <> known.signature
        ) AS change (turned_bad, announce)
    )
    WHERE known.event < excluded.event
RETURNING id, announced_event = event AS announced, times_announced
