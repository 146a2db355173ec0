-- The rules of a calling task, those that a batch was planned with, and what a call redials.
ALTER TABLE calling_tasks ADD COLUMN redial JSONB DEFAULT '[]' NOT NULL;
ALTER TABLE calling_tasks ADD COLUMN land_lines BOOLEAN DEFAULT FALSE NOT NULL;
ALTER TABLE calling_tasks ADD COLUMN row_key TEXT;
ALTER TABLE call_batches ADD COLUMN redial JSONB DEFAULT '[]' NOT NULL;
ALTER TABLE call_tasks ADD COLUMN row_key TEXT;
ALTER TABLE call_tasks ADD COLUMN redial TEXT;
ALTER TABLE call_tasks ADD COLUMN redial_of BIGINT;

COMMENT ON COLUMN calling_tasks.redial IS 'redial rules; empty: the recall window counts';
COMMENT ON COLUMN calling_tasks.land_lines IS 'whether it calls land lines too';
COMMENT ON COLUMN calling_tasks.row_key IS 'column of the source table that holds its own key';
COMMENT ON COLUMN call_batches.redial IS 'redial rules that its task had';
COMMENT ON COLUMN call_tasks.row_key IS 'the source''s own key of the row';
COMMENT ON COLUMN call_tasks.redial IS 'the redial rule, by its result, that judged the number''s last call';
COMMENT ON COLUMN call_tasks.redial_of IS 'the last call, which this one redials; null: it is no redial';
