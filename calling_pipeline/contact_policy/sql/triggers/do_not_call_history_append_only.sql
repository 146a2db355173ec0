-- The history of the do-not-call list is append-only: it proves who stood on the list and when.
CREATE TRIGGER do_not_call_history_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON do_not_call_history
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
