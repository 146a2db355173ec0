-- The call log is append-only; the form of version 0.1.0. Frozen.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% rows are only ever added', TG_TABLE_NAME; END $$;
CREATE TRIGGER call_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON call_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
