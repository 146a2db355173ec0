-- call_stats: its tables as version 0.1.0 had them. Frozen.

CREATE SEQUENCE fetch_numbers;

CREATE TABLE agent_ranking (
    date DATE NOT NULL,
    agent_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    calls BIGINT NOT NULL,
    connected BIGINT NOT NULL,
    talk_s BIGINT NOT NULL,
    grade_9 BIGINT NOT NULL,
    grade_1 BIGINT NOT NULL,
    orders BIGINT NOT NULL,
    CONSTRAINT pk_agent_ranking PRIMARY KEY (date, agent_id)
);

CREATE TABLE call_records (
    id BIGINT NOT NULL,
    date DATE NOT NULL,
    called_at TIMESTAMP WITH TIME ZONE NOT NULL,
    call_state SMALLINT,
    duration_s INTEGER NOT NULL,
    grade TEXT,
    order_yuan SMALLINT NOT NULL,
    agent_id TEXT NOT NULL,
    task_id TEXT,
    task_name TEXT,
    line_name TEXT,
    phone_masked TEXT NOT NULL,
    phone_hash BYTEA,
    hangup_reason TEXT,
    province TEXT,
    city TEXT,
    CONSTRAINT pk_call_records PRIMARY KEY (id),
    CONSTRAINT ck_call_records_call_state_is_known CHECK (call_state BETWEEN 0 AND 2),
    CONSTRAINT ck_call_records_duration_is_not_negative CHECK (duration_s >= 0),
    CONSTRAINT ck_call_records_order_yuan_is_known CHECK (order_yuan IN (0, 1, 9))
);
CREATE INDEX ix_call_records_date ON call_records (date);

CREATE TABLE fetch_proofs (
    fetch_number BIGINT NOT NULL,
    track TEXT NOT NULL,
    date DATE NOT NULL,
    mode TEXT NOT NULL,
    sync_type TEXT NOT NULL,
    window_start TIMESTAMP WITH TIME ZONE NOT NULL,
    window_end TIMESTAMP WITH TIME ZONE NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reported_total BIGINT NOT NULL,
    rows_fetched BIGINT NOT NULL,
    distinct_ids BIGINT NOT NULL,
    pages INTEGER NOT NULL,
    pages_read_again INTEGER NOT NULL,
    retries INTEGER NOT NULL,
    elapsed_s DOUBLE PRECISION NOT NULL,
    rows_added BIGINT NOT NULL,
    rows_changed BIGINT NOT NULL,
    rows_removed BIGINT NOT NULL,
    late_rows BIGINT NOT NULL,
    outside_day BIGINT NOT NULL,
    unknown_grades JSONB NOT NULL,
    new_fields JSONB NOT NULL,
    missing_fields JSONB NOT NULL,
    run_id TEXT NOT NULL,
    CONSTRAINT pk_fetch_proofs PRIMARY KEY (fetch_number),
    CONSTRAINT ck_fetch_proofs_track_is_known CHECK (track IN ('task', 'grade')),
    CONSTRAINT ck_fetch_proofs_mode_is_known CHECK (mode IN ('full', 'incremental'))
);
CREATE INDEX ix_fetch_proofs_track_date ON fetch_proofs (track, date, fetch_number);

CREATE TABLE grade_stats_cache (
    date DATE NOT NULL,
    grade_9 BIGINT NOT NULL,
    grade_1 BIGINT NOT NULL,
    total_success BIGINT NOT NULL,
    total_records BIGINT NOT NULL,
    calculated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    elapsed_time DOUBLE PRECISION NOT NULL,
    sync_type TEXT NOT NULL,
    fetch_number BIGINT NOT NULL,
    CONSTRAINT pk_grade_stats_cache PRIMARY KEY (date),
    CONSTRAINT ck_grade_stats_cache_total_success_is_the_sum CHECK (total_success = grade_9 + grade_1),
    CONSTRAINT ck_grade_stats_cache_orders_within_records CHECK (grade_9 >= 0 AND grade_1 >= 0 AND total_success <= total_records)
);

CREATE TABLE hourly_orders (
    date DATE NOT NULL,
    hour SMALLINT NOT NULL,
    calls BIGINT NOT NULL,
    connected BIGINT NOT NULL,
    grade_9 BIGINT NOT NULL,
    grade_1 BIGINT NOT NULL,
    orders BIGINT NOT NULL,
    CONSTRAINT pk_hourly_orders PRIMARY KEY (date, hour),
    CONSTRAINT ck_hourly_orders_hour_of_the_day CHECK (hour BETWEEN 0 AND 23)
);

CREATE TABLE task_stats_cache (
    date DATE NOT NULL,
    total_tasks BIGINT NOT NULL,
    callout_number BIGINT NOT NULL,
    called_number BIGINT NOT NULL,
    success_number BIGINT NOT NULL,
    connected_rate NUMERIC(7, 2) NOT NULL,
    calculated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sync_type TEXT NOT NULL,
    fetch_number BIGINT NOT NULL,
    CONSTRAINT pk_task_stats_cache PRIMARY KEY (date),
    CONSTRAINT ck_task_stats_cache_counts_are_not_negative CHECK (total_tasks >= 0 AND callout_number >= 0 AND called_number >= 0 AND success_number >= 0)
);
