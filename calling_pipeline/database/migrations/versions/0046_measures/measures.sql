-- Counters and histograms of /metrics, added up over all processes, and how far tables that only grow are counted into them.
CREATE TABLE measures (
    name text NOT NULL,
    labels text [] NOT NULL,
    number double precision NOT NULL,
    total double precision NOT NULL,
    buckets bigint [] NOT NULL,
    CONSTRAINT pk_measures PRIMARY KEY (name, labels)
)
WITH (fillfactor = 50);

COMMENT ON TABLE measures IS
'Counters and histograms of /metrics, added up over all processes; numbers only ever grow';
COMMENT ON COLUMN measures.labels IS 'values in the measure''s own order';
COMMENT ON COLUMN measures.number IS 'what was counted, or how many durations';
COMMENT ON COLUMN measures.total IS 'the sum of durations, in seconds';
COMMENT ON COLUMN measures.buckets IS 'durations between two bounds; empty for a counter';

CREATE TABLE measure_marks (
    source text NOT NULL,
    counted_to bigint NOT NULL,
    seen_to bigint NOT NULL,
    seen_by bigint NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_measure_marks PRIMARY KEY (source)
);

COMMENT ON TABLE measure_marks IS 'How far tables that only grow are counted into `measures`';
COMMENT ON COLUMN measure_marks.counted_to IS 'rows up to this id are added to `measures`';
COMMENT ON COLUMN measure_marks.seen_to IS 'the newest id when it was last looked';
COMMENT ON COLUMN measure_marks.seen_by IS 'transactions below this one must end before seen_to may be counted';

-- A counter begins with the upgrade: what was called before is not counted into it.
INSERT INTO measure_marks (source, counted_to, seen_to, seen_by, seen_at)
SELECT
    'call_log' AS source,
    coalesce(max(id), 0) AS counted_to,
    coalesce(max(id), 0) AS seen_to,
    0 AS seen_by,
    now() AS seen_at
FROM call_log;

-- What is wrong now is found without looking through what ever was.
CREATE INDEX ix_alert_conditions_failing ON alert_conditions (opened_at) WHERE failing;

-- Batches that are not over are found without looking through all that ever were.
CREATE INDEX ix_call_batches_open ON call_batches (state, planned_at) WHERE state NOT IN ('cancelled', 'completed');

-- Joins a call with what comes back about it in one trace; empty where traces are off.
ALTER TABLE communication_records ADD COLUMN trace text;

COMMENT ON COLUMN communication_records.trace IS 'context of the trace that the call belongs to; empty: none';
