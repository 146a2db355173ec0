-- Calls of collectors since then, as the old table has them; the number masked, as it is kept. Ids of this system are not those
-- there: the account is named.
SELECT
    call.tenant_id, config.name AS config_name, call.collector_id, call.case_id, call.customer_id,
    call.extension_number AS infinity_extension_number, call.call_uuid, call.destination_masked AS contact_person_phone,
    call.started_at AS contacted_at, call.duration_s AS call_duration,
    CASE call.state WHEN 'connected' THEN 1 WHEN 'unknown' THEN NULL ELSE 0 END AS is_connected,
    call.recording_url AS call_record_url, call.contact_result, call.remark
FROM communication_records AS call
LEFT JOIN infinity_configs AS config ON call.config_id = config.id
WHERE call.started_at >= :since AND call.fence > 0
ORDER BY call.id
