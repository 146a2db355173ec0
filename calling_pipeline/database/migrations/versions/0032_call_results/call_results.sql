-- What became of each pushed call, its sums per batch, and what each day was joined with.
CREATE TABLE call_results (
    call_task_id BIGINT NOT NULL,
    batch_id BIGINT NOT NULL,
    calling_task_id BIGINT NOT NULL,
    day DATE NOT NULL,
    phone TEXT COLLATE "C" NOT NULL,
    pushed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    result TEXT NOT NULL,
    record_id BIGINT,
    called_at TIMESTAMP WITH TIME ZONE,
    talk_s INTEGER,
    order_yuan SMALLINT DEFAULT '0' NOT NULL,
    agent_id TEXT,
    hangup_reason TEXT,
    province TEXT,
    judged_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_call_results PRIMARY KEY (call_task_id),
    CONSTRAINT ck_call_results_result_is_known CHECK (result IN ('waiting', 'not_dialled', 'not_connected', 'connected')),
    CONSTRAINT ck_call_results_order_yuan_is_known CHECK (order_yuan IN (0, 1, 9)),
    CONSTRAINT ck_call_results_waiting_without_record CHECK ((result = 'waiting') = (record_id IS NULL)),
    CONSTRAINT ck_call_results_record_has_its_time CHECK ((record_id IS NULL) = (called_at IS NULL)),
    CONSTRAINT uq_call_results_record_id UNIQUE (record_id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_call_results_batch ON call_results (batch_id);
CREATE INDEX ix_call_results_task_day ON call_results (calling_task_id, day);
COMMENT ON TABLE call_results IS 'What became of each pushed call: its call record, by phone and time; kept permanently';
COMMENT ON COLUMN call_results.call_task_id IS 'the pushed call';
COMMENT ON COLUMN call_results.day IS 'daily partition of the batch';
COMMENT ON COLUMN call_results.result IS 'waiting: no call record yet';
COMMENT ON COLUMN call_results.record_id IS 'the call record; it may have been deleted since by its retention';
COMMENT ON COLUMN call_results.judged_at IS 'when the result last changed';
CREATE TABLE call_result_batches (
    batch_id BIGINT NOT NULL,
    day DATE NOT NULL,
    pushed INTEGER NOT NULL,
    connected INTEGER NOT NULL,
    not_connected INTEGER NOT NULL,
    not_dialled INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    order_9 INTEGER NOT NULL,
    order_1 INTEGER NOT NULL,
    talk_s BIGINT NOT NULL,
    oldest_waiting_at TIMESTAMP WITH TIME ZONE,
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_call_result_batches PRIMARY KEY (batch_id),
    CONSTRAINT ck_call_result_batches_adds_up CHECK (pushed = connected + not_connected + not_dialled + waiting)
);
CREATE INDEX ix_call_result_batches_day ON call_result_batches (day);
COMMENT ON TABLE call_result_batches IS 'The results of each batch added up, as of its last join';
COMMENT ON COLUMN call_result_batches.oldest_waiting_at IS 'when the oldest waiting call was pushed';
CREATE TABLE call_result_days (
    day DATE NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reads JSONB NOT NULL,
    stale BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_call_result_days PRIMARY KEY (day)
);
CREATE INDEX ix_call_result_days_stale ON call_result_days (day) WHERE stale;
COMMENT ON TABLE call_result_days IS 'What the batches of each day were last joined with';
COMMENT ON COLUMN call_result_days.reads IS 'day of call records → the number of its newest read that changed rows';
COMMENT ON COLUMN call_result_days.stale IS 'a push was settled since the join';
-- Every pushed call by the source's own key of its row, for those who own the rows: numbers masked as pages show them. A call
-- that was not joined with call records yet is waiting.
CREATE OR REPLACE VIEW call_results_by_row AS
SELECT
    batch.task_name AS calling_task,
    batch.source,
    batch.id AS batch_id,
    batch.day,
    task.row_key,
    task.source_row,
    CASE
        WHEN length(task.phone) >= 11 THEN left(task.phone, 3) || '****' || right(task.phone, 4)
        WHEN length(task.phone) > 4 THEN repeat('*', length(task.phone) - 2) || right(task.phone, 2)
        ELSE repeat('*', length(task.phone))
    END AS phone_masked,
    coalesce(found.pushed_at, task.claimed_at) AS pushed_at,
    coalesce(found.result, 'waiting') AS result,
    found.called_at,
    found.talk_s,
    coalesce(found.order_yuan, 0) AS order_yuan,
    found.agent_id,
    found.hangup_reason,
    found.province,
    found.judged_at,
    task.id AS call_id
FROM call_tasks AS task
INNER JOIN call_batches AS batch ON task.batch_id = batch.id
LEFT JOIN call_results AS found ON task.id = found.call_task_id
WHERE task.state = 'pushed';
