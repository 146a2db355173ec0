-- Callbacks without a signature or that cannot be read, limits of calls, questions about lines, counts of refusals. Frozen.

ALTER TABLE infinity_configs
ADD COLUMN calls_per_hour INTEGER,
ADD COLUMN calls_per_day INTEGER,
ADD COLUMN collector_calls_per_hour INTEGER,
ADD COLUMN collector_calls_per_day INTEGER,
ADD COLUMN callback_path_digest BYTEA,
ADD COLUMN callback_addresses TEXT [] DEFAULT '{}' NOT NULL,
ADD CONSTRAINT ck_infinity_configs_call_limits CHECK (
    least(calls_per_hour, calls_per_day, collector_calls_per_hour, collector_calls_per_day) > 0
);
CREATE UNIQUE INDEX uq_infinity_configs_callback_path ON infinity_configs (callback_path_digest);

ALTER TABLE communication_records ADD COLUMN asked_at TIMESTAMP WITH TIME ZONE;
ALTER TABLE contact_attempts ADD COLUMN tenant_id BIGINT;

CREATE TABLE kept_callbacks (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    config_id BIGINT NOT NULL,
    body_digest BYTEA NOT NULL,
    body_sealed BYTEA,
    reason TEXT NOT NULL,
    sentence TEXT NOT NULL,
    call_uuid TEXT DEFAULT '' NOT NULL,
    signed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    repeats INTEGER DEFAULT '0' NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_by TEXT DEFAULT '' NOT NULL,
    outcome TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_kept_callbacks PRIMARY KEY (id),
    CONSTRAINT ck_kept_callbacks_reason CHECK (reason IN ('unreadable', 'unconfirmed')),
    CONSTRAINT uq_kept_callbacks_body UNIQUE (config_id, body_digest),
    CONSTRAINT fk_kept_callbacks_config_id_infinity_configs FOREIGN KEY (config_id) REFERENCES infinity_configs (id)
);
CREATE INDEX ix_kept_callbacks_open ON kept_callbacks (config_id, call_uuid) WHERE closed_at IS NULL;

CREATE TABLE line_questions (
    config_id BIGINT NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_line_questions PRIMARY KEY (config_id),
    CONSTRAINT fk_line_questions_config_id_infinity_configs FOREIGN KEY (config_id) REFERENCES infinity_configs (id)
);

CREATE TABLE call_refusals (
    tenant_id BIGINT NOT NULL,
    hour TIMESTAMP WITH TIME ZONE NOT NULL,
    rule TEXT NOT NULL,
    number BIGINT NOT NULL,
    CONSTRAINT pk_call_refusals PRIMARY KEY (tenant_id, hour, rule)
);

COMMENT ON COLUMN infinity_configs.calls_per_hour IS 'of the tenant within any hour; empty: no limit';
COMMENT ON COLUMN infinity_configs.calls_per_day IS 'of the tenant within any 24 hours; empty: no limit';
COMMENT ON COLUMN infinity_configs.collector_calls_per_hour IS 'of each collector within any hour; empty: no limit';
COMMENT ON COLUMN infinity_configs.collector_calls_per_day IS 'of each collector within any 24 hours; empty: no limit';
COMMENT ON COLUMN infinity_configs.callback_path_digest
IS 'SHA-256 of the secret path for callbacks without a signature; empty: only signed ones';
COMMENT ON COLUMN infinity_configs.callback_addresses IS 'networks that may use that path';
COMMENT ON COLUMN communication_records.asked_at IS 'Infinity was last asked what the extension is doing';
COMMENT ON COLUMN contact_attempts.tenant IS 'written by the version before; since then tenant_id';
COMMENT ON COLUMN contact_attempts.tenant_id IS 'tenant on whose behalf; empty for batches';
COMMENT ON TABLE kept_callbacks IS 'Callbacks that cannot be read, or that nothing has confirmed yet';
COMMENT ON COLUMN kept_callbacks.body_digest IS 'SHA-256 of the raw body';
COMMENT ON COLUMN kept_callbacks.body_sealed IS 'the raw body, encrypted; empty once it was applied or given up';
COMMENT ON COLUMN kept_callbacks.sentence IS 'what cannot be read or confirmed';
COMMENT ON COLUMN kept_callbacks.call_uuid IS 'the call that the body names';
COMMENT ON COLUMN kept_callbacks.closed_at IS 'empty: it waits';
COMMENT ON COLUMN kept_callbacks.outcome IS 'what became of it';
COMMENT ON TABLE line_questions
IS 'Who may ask Infinity about a configuration''s lines: one at a time, over all processes';
COMMENT ON COLUMN line_questions.until IS 'until then nobody else asks';
COMMENT ON TABLE call_refusals IS 'Clicks that were refused, per tenant, hour and rule';
