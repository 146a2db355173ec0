-- Callbacks that may belong to one record: by Infinity's id of the call or by ours, each by its index.
SELECT u.id
FROM communication_records AS o
INNER JOIN call_callbacks AS u
    ON
        u.config_id = o.config_id AND u.record_id IS NULL
        AND (u.call_uuid IN (o.call_uuid, o.reference) OR u.reference = o.reference)
WHERE o.id = :record_id;
