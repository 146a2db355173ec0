-- Closed batches whose left-out rows were moved into month files.
CREATE TABLE archived_batches (
    batch_id BIGINT NOT NULL,
    file TEXT NOT NULL,
    rows BIGINT NOT NULL,
    reasons JSONB NOT NULL,
    archived_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_archived_batches PRIMARY KEY (batch_id),
    CONSTRAINT fk_archived_batches_batch_id_call_batches FOREIGN KEY (batch_id) REFERENCES call_batches (id),
    CONSTRAINT ck_archived_batches_has_rows CHECK (rows > 0)
);
COMMENT ON TABLE archived_batches IS
'Closed batches whose left-out rows were moved into month files; rows of calls stay';
COMMENT ON COLUMN archived_batches.file IS 'its name in the folder of the archives';
COMMENT ON COLUMN archived_batches.reasons IS 'rows by the reason why they were left out';
