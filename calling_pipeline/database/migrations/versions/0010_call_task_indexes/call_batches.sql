-- call_batches: its tables as version 0.1.0 had them. Frozen.

CREATE TABLE call_history (
    phone TEXT COLLATE "C" NOT NULL,
    first_called_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_called_at TIMESTAMP WITH TIME ZONE NOT NULL,
    calls INTEGER NOT NULL,
    last_batch_id BIGINT NOT NULL,
    last_call_task_id BIGINT NOT NULL,
    CONSTRAINT pk_call_history PRIMARY KEY (phone)
);
COMMENT ON TABLE call_history IS 'One row a phone ever called';

CREATE TABLE call_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    call_task_id BIGINT NOT NULL,
    batch_id BIGINT NOT NULL,
    phone TEXT COLLATE "C" NOT NULL,
    distinct_id TEXT NOT NULL,
    attempt SMALLINT NOT NULL,
    outcome TEXT NOT NULL,
    resp_code TEXT DEFAULT '' NOT NULL,
    message TEXT DEFAULT '' NOT NULL,
    http_status SMALLINT,
    sent_at TIMESTAMP WITH TIME ZONE,
    answered_at TIMESTAMP WITH TIME ZONE,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_by TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_call_log PRIMARY KEY (id),
    CONSTRAINT uq_call_log_attempt_outcome UNIQUE (call_task_id, attempt, outcome),
    CONSTRAINT ck_call_log_outcome CHECK (outcome IN ('pushed', 'refused', 'failed', 'not_sent', 'unknown', 'settled_pushed', 'settled_retry'))
);
CREATE INDEX ix_call_log_batch_id ON call_log (batch_id);
CREATE INDEX ix_call_log_phone_recorded_at ON call_log (phone, recorded_at);
COMMENT ON TABLE call_log IS 'Every push attempt and every settlement; rows are only ever added';

CREATE TABLE call_tasks (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    batch_id BIGINT NOT NULL,
    source_row INTEGER NOT NULL,
    phone TEXT COLLATE "C",
    raw TEXT,
    staff_name TEXT,
    sys_name TEXT,
    order_type TEXT,
    order_nums INTEGER,
    state TEXT NOT NULL,
    reason TEXT,
    distinct_id TEXT,
    attempts SMALLINT DEFAULT '0' NOT NULL,
    not_before TIMESTAMP WITH TIME ZONE,
    claim UUID,
    claimed_at TIMESTAMP WITH TIME ZONE,
    resp_code TEXT,
    CONSTRAINT pk_call_tasks PRIMARY KEY (id),
    CONSTRAINT ck_call_tasks_state CHECK (state IN ('pending', 'pushing', 'pushed', 'refused', 'failed', 'unknown', 'skipped')),
    CONSTRAINT ck_call_tasks_phone CHECK (state = 'skipped' OR phone IS NOT NULL),
    CONSTRAINT ck_call_tasks_skip_reason CHECK (state <> 'skipped' OR reason IS NOT NULL)
);
CREATE INDEX ix_call_tasks_batch ON call_tasks USING brin (batch_id) WITH (autosummarize = on);
CREATE INDEX ix_call_tasks_in_flight ON call_tasks (batch_id, state) WHERE state IN ('pushing', 'unknown');
CREATE INDEX ix_call_tasks_pending ON call_tasks (batch_id, source_row) WHERE state = 'pending';
CREATE UNIQUE INDEX uq_call_tasks_distinct_id ON call_tasks (distinct_id) WHERE distinct_id IS NOT NULL;
CREATE UNIQUE INDEX uq_call_tasks_open_phone ON call_tasks (phone) WHERE state IN ('pending', 'pushing', 'unknown');
COMMENT ON TABLE call_tasks IS 'One source row of a batch and what became of it';
COMMENT ON COLUMN call_tasks.source_row IS 'position in the source table when it was planned';
COMMENT ON COLUMN call_tasks.phone IS 'canonical; null when there is none';
COMMENT ON COLUMN call_tasks.raw IS 'the source''s spelling where it differs';
COMMENT ON COLUMN call_tasks.reason IS 'why it was skipped, refused or failed';
COMMENT ON COLUMN call_tasks.distinct_id IS 'the gateway''s key, given at the first claim and never changed';
COMMENT ON COLUMN call_tasks.attempts IS 'claims so far';
COMMENT ON COLUMN call_tasks.claim IS 'the claim that holds it, or held it last';

CREATE TABLE calling_tasks (
    id INTEGER GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    cron TEXT NOT NULL,
    source_schema TEXT NOT NULL,
    source_table TEXT NOT NULL,
    mobile_phone TEXT NOT NULL,
    staff_name TEXT,
    sys_name TEXT,
    order_type TEXT,
    order_nums TEXT,
    enabled BOOLEAN NOT NULL,
    remark TEXT DEFAULT '' NOT NULL,
    recall_days INTEGER,
    rate_per_s FLOAT,
    policy JSONB DEFAULT '{}' NOT NULL,
    ticks_from TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_calling_tasks PRIMARY KEY (id),
    CONSTRAINT uq_calling_tasks_name UNIQUE (name),
    CONSTRAINT ck_calling_tasks_recall_days CHECK (recall_days >= 0),
    CONSTRAINT ck_calling_tasks_rate_per_s CHECK (rate_per_s > 0)
);
COMMENT ON TABLE calling_tasks IS 'What is called, when, and by which rules';
COMMENT ON COLUMN calling_tasks.cron IS '5 fields, or 6 with seconds first; Asia/Shanghai';
COMMENT ON COLUMN calling_tasks.mobile_phone IS 'column of the source table, as are the next four';
COMMENT ON COLUMN calling_tasks.recall_days IS 'null: never again';
COMMENT ON COLUMN calling_tasks.rate_per_s IS 'null: the setting''s';
COMMENT ON COLUMN calling_tasks.ticks_from IS 'no tick before this instant is ever due';

CREATE TABLE gateway_ids (
    single BOOLEAN NOT NULL,
    last_slot BIGINT NOT NULL,
    CONSTRAINT pk_gateway_ids PRIMARY KEY (single),
    CONSTRAINT ck_gateway_ids_single CHECK (single)
);
COMMENT ON TABLE gateway_ids IS 'The last distinct_id given out, one row';
COMMENT ON COLUMN gateway_ids.last_slot IS 'milliseconds since 1970 of the last distinct_id';

CREATE TABLE call_batches (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    key TEXT NOT NULL,
    calling_task_id INTEGER NOT NULL,
    task_name TEXT NOT NULL,
    day DATE NOT NULL,
    tick_at TIMESTAMP WITH TIME ZONE,
    state TEXT NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    source TEXT NOT NULL,
    recall_days INTEGER,
    rate_per_s FLOAT,
    policy JSONB NOT NULL,
    card JSONB NOT NULL,
    runner UUID,
    planned_at TIMESTAMP WITH TIME ZONE NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    finished_at TIMESTAMP WITH TIME ZONE,
    resume_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_call_batches PRIMARY KEY (id),
    CONSTRAINT uq_call_batches_key UNIQUE (key),
    CONSTRAINT ck_call_batches_state CHECK (state IN ('planned', 'running', 'waiting', 'paused', 'cancelled', 'completed')),
    CONSTRAINT fk_call_batches_calling_task FOREIGN KEY(calling_task_id) REFERENCES calling_tasks (id)
);
CREATE INDEX ix_call_batches_day ON call_batches (day);
COMMENT ON TABLE call_batches IS 'One execution of a calling task';
COMMENT ON COLUMN call_batches.key IS 'task and tick: one tick is planned once';
COMMENT ON COLUMN call_batches.day IS 'daily partition';
COMMENT ON COLUMN call_batches.tick_at IS 'null: started by hand';
COMMENT ON COLUMN call_batches.runner IS 'fencing: only this runner may claim';
COMMENT ON COLUMN call_batches.resume_at IS 'when a waiting batch goes on';
