-- What happened to one call besides its own record: callbacks, the bill's line, and presses of a desk's button.
SELECT received_at AS at, 'callback' AS what, state AS detail
FROM call_callbacks
WHERE record_id = :record_id
UNION ALL
SELECT fetched_at AS at, 'billed' AS what, state AS detail
FROM infinity_bills
WHERE config_id = :config_id AND call_uuid = :call_uuid
UNION ALL
SELECT intended_at AS at, 'pressed' AS what, sentence AS detail
FROM desk_calls
WHERE record_id = :record_id
ORDER BY at;
