-- One press of the button with the communication record that it led to.
SELECT
    d.id, d.tenant_id, d.collector_id, d.case_id, d.run, d.intended_at, d.outcome, d.record_id, d.rule, d.sentence,
    d.not_before, d.answered_at, d.result, d.remark, d.noted_at,
    r.state, r.extension_number, r.called_at, r.closed_at, r.settled_at, r.duration_s, r.contact_result
FROM desk_calls AS d
LEFT JOIN communication_records AS r ON d.record_id = r.id
WHERE d.id = :call_id;
