-- task_ledger: its tables as version 0.1.0 had them. Frozen.

CREATE TABLE task_ledger (
    task_id TEXT NOT NULL,
    feature TEXT NOT NULL,
    state TEXT NOT NULL,
    credits BIGINT NOT NULL,
    free BOOLEAN NOT NULL,
    charged_act TEXT NOT NULL,
    details JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_by TEXT NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    saves BIGINT NOT NULL,
    last_outcome TEXT NOT NULL,
    CONSTRAINT pk_task_ledger PRIMARY KEY (task_id),
    CONSTRAINT ck_task_ledger_sound CHECK (task_id <> '' AND credits >= 0 AND CASE state WHEN 'pending' THEN finished_at IS NULL WHEN 'completed' THEN finished_at IS NOT NULL WHEN 'failed' THEN finished_at IS NOT NULL ELSE false END)
)
 WITH (fillfactor = 70);
CREATE INDEX ix_task_ledger_created_at ON task_ledger (created_at);
CREATE INDEX ix_task_ledger_finished_at ON task_ledger USING brin (finished_at);
COMMENT ON TABLE task_ledger IS 'Every unit of work, one row a task id; never goes backwards';
COMMENT ON COLUMN task_ledger.charged_act IS 'key under which its completion is charged';
COMMENT ON COLUMN task_ledger.updated_at IS 'when a save last changed something';
COMMENT ON COLUMN task_ledger.finished_at IS 'when it became completed or failed';
COMMENT ON COLUMN task_ledger.saves IS 'saves received, refused and repeated ones included';
COMMENT ON COLUMN task_ledger.last_outcome IS 'what the last save did';

CREATE TABLE task_refusals (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    task_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    credits BIGINT NOT NULL,
    reason TEXT NOT NULL,
    refused_by TEXT NOT NULL,
    refused_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_task_refusals PRIMARY KEY (id),
    CONSTRAINT ck_task_refusals_kind CHECK (kind IN ('transition', 'charge'))
);
CREATE INDEX ix_task_refusals_refused_at ON task_refusals (refused_at);
CREATE INDEX ix_task_refusals_task_id ON task_refusals (task_id);
COMMENT ON TABLE task_refusals IS 'Refused moves and refused charges, with who, when and why; append-only';
COMMENT ON COLUMN task_refusals.credits IS 'credits the refused save asked for';
COMMENT ON COLUMN task_refusals.refused_by IS 'who asked for it';

CREATE TABLE task_usage (
    date DATE NOT NULL,
    feature TEXT NOT NULL,
    created BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    charges BIGINT NOT NULL,
    credits BIGINT NOT NULL,
    refusals BIGINT NOT NULL,
    calculated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_task_usage PRIMARY KEY (date, feature)
);
COMMENT ON TABLE task_usage IS 'Tasks and credits by day and feature';
COMMENT ON COLUMN task_usage.pending IS 'created that day and still open when this was counted';

CREATE TABLE task_charges (
    charged_act TEXT NOT NULL,
    task_id TEXT NOT NULL,
    feature TEXT NOT NULL,
    credits BIGINT NOT NULL,
    charged_at TIMESTAMP WITH TIME ZONE NOT NULL,
    charged_by TEXT NOT NULL,
    CONSTRAINT pk_task_charges PRIMARY KEY (charged_act),
    CONSTRAINT ck_task_charges_credits_positive CHECK (credits > 0),
    CONSTRAINT uq_task_charges_task_id UNIQUE (task_id),
    CONSTRAINT fk_task_charges_task_id_task_ledger FOREIGN KEY(task_id) REFERENCES task_ledger (task_id)
);
CREATE INDEX ix_task_charges_charged_at ON task_charges USING brin (charged_at);
COMMENT ON TABLE task_charges IS 'Credits charged, once an act';
