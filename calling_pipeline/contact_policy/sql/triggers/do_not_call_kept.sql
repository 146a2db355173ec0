-- Nothing that stood on the do-not-call list is forgotten: every change and deletion leaves what was in its history.
CREATE TRIGGER do_not_call_kept
AFTER UPDATE OR DELETE ON do_not_call
FOR EACH ROW EXECUTE FUNCTION keep_do_not_call();
CREATE TRIGGER do_not_call_never_emptied
BEFORE TRUNCATE ON do_not_call
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
