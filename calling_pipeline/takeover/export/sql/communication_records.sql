-- Calls of collectors since then, as the old table has them; the number masked, as it is kept.
SELECT
    id, tenant_id, config_id, collector_id, case_id, customer_id, extension_number AS infinity_extension_number, call_uuid,
    destination_masked AS contact_person_phone, started_at AS contacted_at, duration_s AS call_duration,
    CASE state WHEN 'connected' THEN 1 WHEN 'unknown' THEN NULL ELSE 0 END AS is_connected, recording_url AS call_record_url,
    contact_result, remark
FROM communication_records
WHERE started_at >= :since AND fence > 0
ORDER BY id
