-- Bring the conditions of version 0.2.0 to the names of this one. Frozen.

DELETE FROM alert_conditions
WHERE
    name LIKE 'check:%'
    AND (
        name LIKE '% to %'
        OR split_part(name, ':', 2) IN ('contract_notifications', 'technician_notifications', 'task_usage', 'extension_pool')
        OR split_part(name, ':', 3) IN (
            'nothing_is_stuck_in_pushing', 'no_call_is_unknown', 'phones_are_unique_in_call_history'
        )
    );

UPDATE alert_conditions
SET name = CASE split_part(name, ' ', 2)
        WHEN 'utilisation' THEN 'telephony_utilisation'
        WHEN 'failures' THEN 'telephony_failures'
        ELSE 'telephony_callbacks'
    END || ':' || substring(name FROM '[0-9]+$')
WHERE name LIKE 'telephony %';

UPDATE alert_conditions
SET
    kind = split_part(name, ':', 1),
    subject = split_part(name, ':', 2),
    day = cast(substring(name FROM ':([0-9]{4}-[0-9]{2}-[0-9]{2})$') AS DATE),
    title = replace(split_part(name, ':', 2) || ': ' || split_part(name, ':', 3), '_', ' '),
    times_announced = cast(failing AS INTEGER),
    opened_at = CASE WHEN failing THEN announced_at END,
    judged_at = announced_at;
