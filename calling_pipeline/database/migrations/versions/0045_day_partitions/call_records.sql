-- The partitioned table of call records; which partitions it has is not the schema's.
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
    CONSTRAINT pk_call_records PRIMARY KEY (id, date),
    CONSTRAINT ck_call_records_call_state_is_known CHECK (call_state BETWEEN 0 AND 2),
    CONSTRAINT ck_call_records_duration_is_not_negative CHECK (duration_s >= 0),
    CONSTRAINT ck_call_records_order_yuan_is_known CHECK (order_yuan IN (0, 1, 9))
) PARTITION BY RANGE (date);
CREATE INDEX ix_call_records_phone_hash ON call_records
USING brin (phone_hash bytea_bloom_ops (n_distinct_per_range = 2000))
WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON TABLE call_records IS
'A partition for each day, made before it is needed; an id is of one day at a time (`other_days/store.py`)';
