-- What a calling task wants of the best time, each call's hour, and what is known and judged of hours.
ALTER TABLE calling_tasks ADD COLUMN best_time JSONB;
ALTER TABLE call_batches ADD COLUMN best_time JSONB;
ALTER TABLE call_tasks ADD COLUMN arm TEXT;
ALTER TABLE call_tasks ADD COLUMN slot TIMESTAMP WITH TIME ZONE;
COMMENT ON COLUMN calling_tasks.best_time IS 'goal and exploring share of the best time to call; null: off';
COMMENT ON COLUMN call_batches.best_time IS 'how its calls were ordered by hour, and its draw; null: they were not';
COMMENT ON COLUMN call_tasks.arm IS 'exploring: its hour was drawn at random; ordered: by what is known; null: no hour';
COMMENT ON COLUMN call_tasks.slot IS 'the beginning of the hour it was planned for';
ALTER TABLE call_tasks ADD CONSTRAINT ck_call_tasks_arm_is_known CHECK (arm IN ('exploring', 'ordered')) NOT VALID;
ALTER TABLE call_tasks ADD CONSTRAINT ck_call_tasks_arm_has_its_slot CHECK ((arm IS NULL) = (slot IS NULL)) NOT VALID;
ALTER TABLE call_tasks VALIDATE CONSTRAINT ck_call_tasks_arm_is_known;
ALTER TABLE call_tasks VALIDATE CONSTRAINT ck_call_tasks_arm_has_its_slot;
CREATE TABLE best_time_rates (
    calling_task_id INTEGER NOT NULL,
    weekday SMALLINT NOT NULL,
    hour SMALLINT NOT NULL,
    province TEXT NOT NULL,
    calls INTEGER NOT NULL,
    successes INTEGER NOT NULL,
    alpha DOUBLE PRECISION NOT NULL,
    beta DOUBLE PRECISION NOT NULL,
    CONSTRAINT pk_best_time_rates PRIMARY KEY (calling_task_id, weekday, hour, province),
    CONSTRAINT ck_best_time_rates_hour_of_a_week CHECK (weekday BETWEEN 1 AND 7 AND hour BETWEEN 0 AND 23),
    CONSTRAINT ck_best_time_rates_is_a_distribution CHECK (alpha > 0 AND beta > 0)
);
COMMENT ON TABLE best_time_rates IS 'What is known of each hour of a calling task; the planner draws from it';
COMMENT ON COLUMN best_time_rates.weekday IS '1 (Monday) to 7';
COMMENT ON COLUMN best_time_rates.province IS 'empty: any other, or unknown';
COMMENT ON COLUMN best_time_rates.alpha IS 'of the Beta distribution of the chance, as is beta';
CREATE TABLE best_time_states (
    calling_task_id INTEGER NOT NULL,
    since DATE NOT NULL,
    looked_on DATE,
    proven_until DATE,
    learned_at TIMESTAMP WITH TIME ZONE,
    off_at TIMESTAMP WITH TIME ZONE,
    off_reason TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_best_time_states PRIMARY KEY (calling_task_id)
);
COMMENT ON TABLE best_time_states IS 'Since when each calling task orders by hour, and whether it switched itself off';
COMMENT ON COLUMN best_time_states.since IS 'the day on which it was switched on';
COMMENT ON COLUMN best_time_states.looked_on IS 'the last look';
COMMENT ON COLUMN best_time_states.proven_until IS 'until when the last proof is valid';
COMMENT ON COLUMN best_time_states.off_at IS 'when it switched itself off; null: it did not';
CREATE TABLE best_time_looks (
    calling_task_id INTEGER NOT NULL,
    day DATE NOT NULL,
    ordered INTEGER NOT NULL,
    exploring INTEGER NOT NULL,
    uplift DOUBLE PRECISION,
    low DOUBLE PRECISION,
    high DOUBLE PRECISION,
    z DOUBLE PRECISION NOT NULL,
    verdict TEXT NOT NULL,
    CONSTRAINT pk_best_time_looks PRIMARY KEY (calling_task_id, day),
    CONSTRAINT ck_best_time_looks_verdict_is_known CHECK (verdict IN ('proven', 'not yet', 'off'))
);
COMMENT ON TABLE best_time_looks IS 'Each look at whether the order is better, as it was then';
COMMENT ON COLUMN best_time_looks.ordered IS 'ordered calls in the window';
COMMENT ON COLUMN best_time_looks.uplift IS 'success rate of ordered less exploring calls, 0 to 1; low and high: 95 %';
CREATE TABLE best_time_batches (
    batch_id BIGINT NOT NULL,
    calling_task_id INTEGER NOT NULL,
    day DATE NOT NULL,
    ordered INTEGER NOT NULL,
    ordered_successes INTEGER NOT NULL,
    exploring INTEGER NOT NULL,
    exploring_successes INTEGER NOT NULL,
    CONSTRAINT pk_best_time_batches PRIMARY KEY (batch_id)
);
COMMENT ON TABLE best_time_batches IS 'Calls and successes of both arms of each batch that was ordered by hour';
CREATE INDEX ix_best_time_batches_task_day ON best_time_batches (calling_task_id, day);
CREATE TABLE number_segments (
    segment TEXT COLLATE "C" NOT NULL,
    province TEXT NOT NULL,
    calls INTEGER NOT NULL,
    CONSTRAINT pk_number_segments PRIMARY KEY (segment)
);
COMMENT ON TABLE number_segments IS 'In which province numbers are, learned from call records';
COMMENT ON COLUMN number_segments.segment IS 'the first seven digits of mobiles';
COMMENT ON COLUMN number_segments.calls IS 'call records that say so';
