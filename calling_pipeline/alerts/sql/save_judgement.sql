-- Keep the newest judgement of a condition. Returns whether it is to be announced: it turned bad or good, it became an
-- error, or it is still bad and was last announced before `remind_before`. An older event changes nothing and returns
-- no row.
INSERT INTO alert_conditions AS known (name, failing, severity, event, announced_event, announced_at)
VALUES (:name, :failing, :severity, :event, CASE WHEN :failing THEN cast(:event AS bigint) END, :now)
ON CONFLICT (name) DO UPDATE
    SET (failing, severity, event, announced_event, announced_at) = (
        SELECT
            excluded.failing,
            excluded.severity,
            excluded.event,
            CASE WHEN change.announce THEN excluded.event ELSE known.announced_event END,
            CASE WHEN change.announce THEN excluded.announced_at ELSE known.announced_at END
        FROM (
            SELECT
                excluded.failing <> known.failing
                OR excluded.failing AND known.announced_at <= :remind_before
                OR excluded.failing AND excluded.severity = 'error' AND known.severity <> 'error'
        ) AS change (announce)
    )
    WHERE known.event < excluded.event
RETURNING announced_event = event AS announced
