-- Every act of a person in any room through any door. Frozen.

CREATE TABLE audit_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    person TEXT NOT NULL,
    door TEXT NOT NULL,
    act TEXT NOT NULL,
    subject TEXT NOT NULL,
    tenant_id BIGINT,
    reason TEXT NOT NULL,
    before JSONB,
    after JSONB,
    CONSTRAINT pk_audit_log PRIMARY KEY (id)
);
CREATE INDEX ix_audit_log_at ON audit_log (at);
CREATE INDEX ix_audit_log_subject ON audit_log (subject, id);
CREATE INDEX ix_audit_log_person ON audit_log (person, id);

CREATE TRIGGER audit_log_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

COMMENT ON TABLE audit_log IS 'Every act of a person in any room through any door; append-only';
COMMENT ON COLUMN audit_log.person IS 'name of the person, or of the part of the program that acted';
COMMENT ON COLUMN audit_log.door IS 'command line, api, console, dagster, program';
COMMENT ON COLUMN audit_log.act IS 'what was done, as noun.verb: batch.pause';
COMMENT ON COLUMN audit_log.subject IS 'to what it was done, as noun:id: batch:17';
COMMENT ON COLUMN audit_log.tenant_id IS 'empty: the act belongs to no tenant';
COMMENT ON COLUMN audit_log.reason IS 'why, in the person''s words; empty: none was asked for';
COMMENT ON COLUMN audit_log.before IS 'what it was; no secret, no full number';
COMMENT ON COLUMN audit_log.after IS 'what it became; no secret, no full number';
