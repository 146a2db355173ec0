-- The call log is append-only: no program and no person changes or removes what was done.
CREATE TRIGGER call_log_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON call_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
