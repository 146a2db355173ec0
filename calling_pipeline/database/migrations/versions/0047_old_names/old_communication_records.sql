-- Calls of collectors as the table `communication_records` had them, with their supplier. Numbers are masked, as they are kept; the
-- vendor's links to recordings are left out, since whoever has one may listen.
CREATE VIEW old_names.communication_records AS
SELECT
    id,
    tenant_id,
    collector_id,
    case_id,
    customer_id,
    supplier,
    extension_number AS infinity_extension_number,
    call_uuid,
    destination_masked AS contact_person_phone,
    caller_number AS customer_number,
    started_at AS contacted_at,
    state AS status,
    state = 'connected' AS is_connected,
    duration_s AS call_duration,
    contact_result,
    remark,
    recording_url IS NOT NULL AS has_recording,
    started_at AS created_at,
    coalesce(settled_at, called_at, started_at) AS updated_at
FROM communication_records;
