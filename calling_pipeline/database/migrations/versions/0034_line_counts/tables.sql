-- Counted days of the lines, samples for review, and how many refused clicks came again.
CREATE TABLE counted_line_days (
    day date NOT NULL,
    counted_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_counted_line_days PRIMARY KEY (day)
);
COMMENT ON TABLE counted_line_days IS 'Days of communication records that are counted as they are; a record that changes takes its day out';
CREATE TABLE line_days (
    day date NOT NULL,
    kind text NOT NULL,
    tenant_id bigint NOT NULL,
    line_id bigint NOT NULL,
    number text NOT NULL,
    calls bigint NOT NULL,
    connected bigint NOT NULL,
    failed bigint NOT NULL,
    unknown bigint NOT NULL,
    short_5 bigint NOT NULL,
    short_10 bigint NOT NULL,
    short_20 bigint NOT NULL,
    short_30 bigint NOT NULL,
    dropped bigint NOT NULL,
    busy_s bigint NOT NULL,
    talk_s bigint NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_line_days PRIMARY KEY (day, kind, tenant_id, line_id),
    CONSTRAINT ck_line_days_kind CHECK (kind IN ('extension', 'collector'))
);
COMMENT ON TABLE line_days IS 'What each extension and each collector did on a counted day';
COMMENT ON COLUMN line_days.kind IS 'extension or collector';
COMMENT ON COLUMN line_days.number IS 'of an extension; empty for a collector';
COMMENT ON COLUMN line_days.short_5 IS 'connected, less than 5 seconds of talk';
COMMENT ON COLUMN line_days.dropped IS 'ended while it rang, before the time limit';
COMMENT ON COLUMN line_days.busy_s IS 'from the allocation to the release';
CREATE TABLE line_hours (
    hour timestamp with time zone NOT NULL,
    tenant_id bigint NOT NULL,
    calls bigint NOT NULL,
    connected bigint NOT NULL,
    closed bigint NOT NULL,
    busy_s bigint NOT NULL,
    talk_s bigint NOT NULL,
    gaps bigint NOT NULL,
    idle_s bigint NOT NULL,
    collectors bigint NOT NULL,
    extensions bigint NOT NULL,
    CONSTRAINT pk_line_hours PRIMARY KEY (hour, tenant_id)
);
COMMENT ON TABLE line_hours IS 'What a tenant''s lines and collectors did in each hour of a counted day';
COMMENT ON COLUMN line_hours.closed IS 'calls whose line was released';
COMMENT ON COLUMN line_hours.busy_s IS 'of those, from the allocation to the release';
COMMENT ON COLUMN line_hours.gaps IS 'pauses of collectors between two calls, half an hour at most';
COMMENT ON COLUMN line_hours.idle_s IS 'the length of those pauses';
COMMENT ON COLUMN line_hours.collectors IS 'who began a call in the hour';
CREATE TABLE line_delays (
    day date NOT NULL,
    tenant_id bigint NOT NULL,
    outcome text NOT NULL,
    tenths integer NOT NULL,
    calls bigint NOT NULL,
    CONSTRAINT pk_line_delays PRIMARY KEY (day, tenant_id, outcome, tenths),
    CONSTRAINT ck_line_delays_outcome CHECK (outcome IN ('callback', 'lost', 'swept'))
);
COMMENT ON TABLE line_delays IS 'How late the callbacks of a counted day came, and how many never did';
COMMENT ON COLUMN line_delays.outcome IS 'callback, lost, swept (released before its end was known)';
COMMENT ON COLUMN line_delays.tenths IS 'delay of the callback in tenths of a second';
CREATE TABLE quality_samples (
    id bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id bigint NOT NULL,
    first date NOT NULL,
    last date NOT NULL,
    per_collector integer NOT NULL,
    second_pct integer NOT NULL,
    seed bigint NOT NULL,
    made_at timestamp with time zone NOT NULL,
    made_by text NOT NULL,
    CONSTRAINT pk_quality_samples PRIMARY KEY (id),
    CONSTRAINT uq_quality_samples_drawn UNIQUE (tenant_id, first, last, per_collector, second_pct, seed),
    CONSTRAINT ck_quality_samples_range CHECK (first <= last AND per_collector BETWEEN 1 AND 1000),
    CONSTRAINT ck_quality_samples_second_pct CHECK (second_pct BETWEEN 0 AND 100)
);
COMMENT ON TABLE quality_samples IS 'Samples of connected calls for review, each drawn once';
COMMENT ON COLUMN quality_samples.per_collector IS 'calls drawn of each collector, or all they have';
COMMENT ON COLUMN quality_samples.second_pct IS 'the share that a second reviewer scores too, in percent';
CREATE TABLE quality_sample_calls (
    sample_id bigint NOT NULL,
    record_id bigint NOT NULL,
    collector_id bigint NOT NULL,
    place integer NOT NULL,
    population integer NOT NULL,
    probability double precision NOT NULL,
    second boolean NOT NULL,
    CONSTRAINT pk_quality_sample_calls PRIMARY KEY (sample_id, record_id),
    CONSTRAINT ck_quality_sample_calls_probability CHECK (probability > 0 AND probability <= 1),
    CONSTRAINT fk_quality_sample_calls_sample_id_quality_samples FOREIGN KEY(sample_id) REFERENCES quality_samples (id),
    CONSTRAINT fk_quality_sample_calls_record_id_communication_records FOREIGN KEY(record_id) REFERENCES communication_records (id)
);
CREATE INDEX ix_quality_sample_calls_record ON quality_sample_calls (record_id);
COMMENT ON TABLE quality_sample_calls IS 'The calls of a sample with the probability of each';
COMMENT ON COLUMN quality_sample_calls.place IS 'the order in which the collector''s calls were drawn';
COMMENT ON COLUMN quality_sample_calls.population IS 'connected calls of the collector in the period';
COMMENT ON COLUMN quality_sample_calls.probability IS 'with which each of them was drawn';
COMMENT ON COLUMN quality_sample_calls.second IS 'a second reviewer is wanted';
ALTER TABLE call_refusals ADD COLUMN again bigint DEFAULT '0' NOT NULL;
COMMENT ON COLUMN call_refusals.again IS 'of these, seconds after a refusal before';
