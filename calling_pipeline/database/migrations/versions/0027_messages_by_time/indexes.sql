-- Each is ordered by when a message was made and not by id alone, so that none is taken for a claim.
CREATE INDEX ix_contract_messages_made ON contract_messages (created_at, id);
CREATE INDEX ix_contract_messages_state ON contract_messages (state, created_at, id);
CREATE INDEX ix_contract_messages_receiver ON contract_messages (receiver, created_at, id);
CREATE INDEX ix_contract_rows_contract ON contract_rows (contract_id);
CREATE INDEX ix_contract_rows_set_back ON contract_rows (first_seen_at) WHERE set_back_at IS NOT NULL;
CREATE INDEX ix_contract_rows_waiting ON contract_rows (first_seen_at) WHERE said_yes_at IS NULL;
CREATE INDEX ix_technician_messages_made ON technician_messages (created_at, id);
CREATE INDEX ix_technician_messages_state ON technician_messages (state, created_at, id);
CREATE INDEX ix_technician_messages_receiver ON technician_messages (receiver, created_at, id);
