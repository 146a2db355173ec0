-- telephony: its tables as version 0.1.0 had them. Frozen.

CREATE SEQUENCE extension_turns;

CREATE TABLE collectors (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    callback_number_sealed BYTEA NOT NULL,
    callback_number_masked TEXT NOT NULL,
    active BOOLEAN DEFAULT 'true' NOT NULL,
    extension_id BIGINT,
    fence BIGINT DEFAULT '0' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_collectors PRIMARY KEY (tenant_id, id)
)
 WITH (fillfactor = 50);
COMMENT ON COLUMN collectors.extension_id IS 'the extension used last';
COMMENT ON COLUMN collectors.fence IS 'token of the last allocation';

CREATE TABLE extension_utilisation (
    config_id BIGINT NOT NULL,
    taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
    tenant_id BIGINT NOT NULL,
    total INTEGER NOT NULL,
    in_use INTEGER NOT NULL,
    available INTEGER NOT NULL,
    cooling_down INTEGER NOT NULL,
    offline INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    utilisation_pct NUMERIC(5, 2) NOT NULL,
    CONSTRAINT pk_extension_utilisation PRIMARY KEY (config_id, taken_at)
);

CREATE TABLE infinity_configs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    api_url TEXT NOT NULL,
    app_id TEXT NOT NULL,
    access_key_sealed BYTEA,
    callback_secret_sealed BYTEA,
    previous_secret_sealed BYTEA,
    previous_secret_until TIMESTAMP WITH TIME ZONE,
    enabled BOOLEAN NOT NULL,
    strategy TEXT NOT NULL,
    max_concurrent_calls INTEGER NOT NULL,
    ring_timeout_s INTEGER NOT NULL,
    cool_down_s INTEGER NOT NULL,
    quarantine_after INTEGER NOT NULL,
    quarantine_s INTEGER NOT NULL,
    caller_numbers TEXT[] NOT NULL,
    caller_range_start TEXT,
    caller_range_end TEXT,
    caller_turn BIGINT DEFAULT '0' NOT NULL,
    contact_rules JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_infinity_configs PRIMARY KEY (id),
    CONSTRAINT ck_infinity_configs_strategy CHECK (strategy IN ('lru', 'round_robin', 'affinity')),
    CONSTRAINT ck_infinity_configs_max_concurrent_calls CHECK (max_concurrent_calls BETWEEN 1 AND 1000),
    CONSTRAINT ck_infinity_configs_ring_timeout_s CHECK (ring_timeout_s BETWEEN 10 AND 300),
    CONSTRAINT ck_infinity_configs_waits CHECK (cool_down_s >= 0 AND quarantine_after >= 0 AND quarantine_s >= 0)
);
CREATE UNIQUE INDEX uq_infinity_configs_enabled ON infinity_configs (tenant_id) WHERE enabled;
CREATE UNIQUE INDEX uq_infinity_configs_name ON infinity_configs (tenant_id, name) WHERE deleted_at IS NULL;

CREATE TABLE telephony_audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    who TEXT NOT NULL,
    tenant_id BIGINT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before JSONB,
    after JSONB,
    CONSTRAINT pk_telephony_audit PRIMARY KEY (id)
);
CREATE INDEX ix_telephony_audit_tenant ON telephony_audit (tenant_id, id);

CREATE TABLE communication_records (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    reference TEXT NOT NULL,
    tenant_id BIGINT NOT NULL,
    config_id BIGINT NOT NULL,
    collector_id BIGINT NOT NULL,
    extension_id BIGINT NOT NULL,
    extension_number TEXT NOT NULL,
    fence BIGINT NOT NULL,
    case_id TEXT DEFAULT '' NOT NULL,
    customer_id TEXT DEFAULT '' NOT NULL,
    destination_masked TEXT NOT NULL,
    destination_hash BYTEA NOT NULL,
    caller_number TEXT,
    state TEXT NOT NULL,
    call_uuid TEXT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    called_at TIMESTAMP WITH TIME ZONE,
    deadline TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    settled_by TEXT,
    duration_s INTEGER,
    contact_result TEXT,
    remark TEXT,
    failure_code TEXT,
    failure TEXT,
    recording_file TEXT,
    recording_url TEXT,
    callback_delay_s DOUBLE PRECISION,
    billed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_communication_records PRIMARY KEY (id),
    CONSTRAINT ck_communication_records_state CHECK (state IN ('initiating', 'ringing', 'connected', 'not_connected', 'busy', 'cancelled', 'failed', 'unknown')),
    CONSTRAINT ck_communication_records_under_way_is_open CHECK (state NOT IN ('initiating', 'ringing') OR closed_at IS NULL),
    CONSTRAINT ck_communication_records_final_states_are_settled CHECK ((state IN ('initiating', 'ringing', 'unknown')) = (settled_at IS NULL)),
    CONSTRAINT uq_communication_records_reference UNIQUE (reference),
    CONSTRAINT uq_communication_records_call_uuid UNIQUE (call_uuid, config_id),
    CONSTRAINT fk_communication_records_config_id_infinity_configs FOREIGN KEY(config_id) REFERENCES infinity_configs (id)
);
CREATE INDEX ix_communication_records_deadline ON communication_records (deadline) WHERE closed_at IS NULL;
CREATE INDEX ix_communication_records_started_at ON communication_records (started_at);
CREATE INDEX ix_communication_records_tenant ON communication_records (tenant_id, id);
CREATE UNIQUE INDEX uq_communication_records_open_collector ON communication_records (tenant_id, collector_id) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX uq_communication_records_open_extension ON communication_records (extension_id) WHERE closed_at IS NULL;
COMMENT ON COLUMN communication_records.reference IS 'our id of the call, sent as customuuid';
COMMENT ON COLUMN communication_records.called_at IS 'MakeCall was answered';
COMMENT ON COLUMN communication_records.deadline IS 'from then on the sweep asks Infinity';
COMMENT ON COLUMN communication_records.closed_at IS 'the extension was given back';
COMMENT ON COLUMN communication_records.settled_at IS 'the final state became known';

CREATE TABLE extension_pool (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    config_id BIGINT NOT NULL,
    number TEXT NOT NULL,
    label TEXT DEFAULT '' NOT NULL,
    state TEXT DEFAULT 'available' NOT NULL,
    holder BIGINT,
    fence BIGINT DEFAULT '0' NOT NULL,
    released_turn BIGINT DEFAULT '0' NOT NULL,
    ready_at TIMESTAMP WITH TIME ZONE DEFAULT '-infinity' NOT NULL,
    lent_at TIMESTAMP WITH TIME ZONE,
    lease_until TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    failures INTEGER DEFAULT '0' NOT NULL,
    draining BOOLEAN DEFAULT 'false' NOT NULL,
    offline_reason TEXT DEFAULT '' NOT NULL,
    quarantined_until TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_extension_pool PRIMARY KEY (id),
    CONSTRAINT ck_extension_pool_state CHECK (num_nonnulls(holder, lease_until) = CASE state WHEN 'in_use' THEN 2 WHEN 'available' THEN 0 WHEN 'offline' THEN 0 ELSE -1 END),
    CONSTRAINT uq_extension_pool_number UNIQUE (config_id, number),
    CONSTRAINT fk_extension_pool_config_id_infinity_configs FOREIGN KEY(config_id) REFERENCES infinity_configs (id)
)
 WITH (fillfactor = 40);

CREATE TABLE infinity_bill_days (
    config_id BIGINT NOT NULL,
    day DATE NOT NULL,
    reported INTEGER NOT NULL,
    fetched INTEGER NOT NULL,
    fetched_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_infinity_bill_days PRIMARY KEY (config_id, day),
    CONSTRAINT fk_infinity_bill_days_config_id_infinity_configs FOREIGN KEY(config_id) REFERENCES infinity_configs (id)
);

CREATE TABLE call_callbacks (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    config_id BIGINT NOT NULL,
    body_digest BYTEA NOT NULL,
    call_uuid TEXT NOT NULL,
    reference TEXT NOT NULL,
    state TEXT NOT NULL,
    duration_s INTEGER NOT NULL,
    contact_result TEXT NOT NULL,
    remark TEXT NOT NULL,
    recording_url TEXT,
    signed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    repeats INTEGER DEFAULT '0' NOT NULL,
    record_id BIGINT,
    CONSTRAINT pk_call_callbacks PRIMARY KEY (id),
    CONSTRAINT uq_call_callbacks_body UNIQUE (config_id, body_digest),
    CONSTRAINT fk_call_callbacks_config_id_infinity_configs FOREIGN KEY(config_id) REFERENCES infinity_configs (id),
    CONSTRAINT fk_call_callbacks_record_id_communication_records FOREIGN KEY(record_id) REFERENCES communication_records (id)
);
CREATE INDEX ix_call_callbacks_received_at ON call_callbacks (received_at);
CREATE INDEX ix_call_callbacks_unmatched ON call_callbacks (config_id, call_uuid) WHERE record_id IS NULL;
COMMENT ON COLUMN call_callbacks.body_digest IS 'SHA-256 of the raw body: a replay has the same';
COMMENT ON COLUMN call_callbacks.reference IS 'our customuuid, when custom_params carried it';
COMMENT ON COLUMN call_callbacks.record_id IS 'null: call not known (yet)';

CREATE TABLE infinity_bills (
    config_id BIGINT NOT NULL,
    call_uuid TEXT NOT NULL,
    day DATE NOT NULL,
    extension_number TEXT NOT NULL,
    destination_masked TEXT NOT NULL,
    destination_hash BYTEA NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    duration_s INTEGER NOT NULL,
    hangup TEXT NOT NULL,
    state TEXT NOT NULL,
    recording_file TEXT,
    fetched_at TIMESTAMP WITH TIME ZONE NOT NULL,
    record_id BIGINT,
    CONSTRAINT pk_infinity_bills PRIMARY KEY (config_id, call_uuid),
    CONSTRAINT fk_infinity_bills_config_id_infinity_configs FOREIGN KEY(config_id) REFERENCES infinity_configs (id),
    CONSTRAINT fk_infinity_bills_record_id_communication_records FOREIGN KEY(record_id) REFERENCES communication_records (id)
);
CREATE INDEX ix_infinity_bills_day ON infinity_bills (day, config_id);
COMMENT ON COLUMN infinity_bills.state IS 'the state the bill tells';
COMMENT ON COLUMN infinity_bills.record_id IS 'null: a call we do not know';
