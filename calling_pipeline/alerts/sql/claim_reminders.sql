-- Conditions that are failing and were last announced before `remind_before`, locked and marked as announced now: whoever
-- claims them records the reminder in the same transaction. Another process that asks at the same time gets none of them.
-- What concerns a day before `first_day` is not claimed.
WITH due AS (
    SELECT id
    FROM alert_conditions
    WHERE failing AND announced_at <= :remind_before AND (day IS NULL OR day >= :first_day)
    ORDER BY name
    FOR UPDATE SKIP LOCKED
)

UPDATE alert_conditions AS known
SET announced_at = :now, announced_event = known.event, times_announced = known.times_announced + 1
FROM due
WHERE known.id = due.id
RETURNING
    known.id, known.name, known.kind, known.subject, known.day, known.failing, known.severity, known.room, known.title,
    known.text, known.link, coalesce(known.opened_at, :now) AS opened_at, known.closed_at, known.judged_at,
    known.announced_at, known.times_announced, known.event
