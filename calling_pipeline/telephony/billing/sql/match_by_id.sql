-- Ties lines of the bill to our records by the id of the call: Infinity's, or ours.
UPDATE infinity_bills AS b
SET record_id = r.id
FROM communication_records AS r
WHERE
    b.config_id = :config_id AND b.day = :day AND b.record_id IS NULL
    AND r.config_id = b.config_id AND (r.call_uuid = b.call_uuid OR r.reference = b.call_uuid);
