-- The do-not-call list in the order in which it is read, and the acts of the audit log that have a reason.
CREATE INDEX ix_do_not_call_added_at ON do_not_call (added_at DESC, phone);
CREATE INDEX ix_audit_log_reason ON audit_log (id) WHERE reason <> '';
