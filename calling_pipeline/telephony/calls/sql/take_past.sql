-- Keep calls that another system made, closed, each once by its reference and by Infinity's id. The extension is that of the
-- pool where it is there, else none. Fence 0: none of ours.
INSERT INTO communication_records (
    reference, tenant_id, config_id, collector_id, extension_id, extension_number, fence, case_id, customer_id,
    destination_masked, destination_hash, state, call_uuid, started_at, deadline, closed_at, settled_at, settled_by, duration_s,
    contact_result, remark
)
SELECT
    call.reference, config.tenant_id, call.config_id, call.collector_id, coalesce(pool.id, 0), call.extension_number, 0,
    call.case_id, call.customer_id, call.destination_masked, decode(call.destination_hash, 'hex'), call.state, call.call_uuid,
    call.started_at, call.started_at, call.closed_at, CASE WHEN call.state <> 'unknown' THEN call.closed_at END,
    CASE WHEN call.state <> 'unknown' THEN 'takeover' END, call.duration_s, call.contact_result, call.remark
FROM
    jsonb_to_recordset(cast(:calls AS jsonb))
        AS call (
            reference text, config_id bigint, collector_id bigint, extension_number text, case_id text, customer_id text,
            destination_masked text, destination_hash text, state text, call_uuid text, started_at timestamptz,
            closed_at timestamptz, duration_s integer, contact_result text, remark text
        )
INNER JOIN infinity_configs AS config ON call.config_id = config.id
LEFT JOIN extension_pool AS pool ON call.config_id = pool.config_id AND call.extension_number = pool.number
ON CONFLICT DO NOTHING;
