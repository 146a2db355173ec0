-- A removal from the do-not-call list is an end with a name and a reason, and what was changed is kept. Frozen.

ALTER TABLE do_not_call
ADD COLUMN ended_by TEXT DEFAULT '' NOT NULL,
ADD COLUMN ended_why TEXT DEFAULT '' NOT NULL;
COMMENT ON COLUMN do_not_call.ended_by IS 'who took it off the list, at expires_at; empty: nobody';
COMMENT ON COLUMN do_not_call.ended_why IS 'why, in that person''s words';

CREATE TABLE do_not_call_history (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    phone TEXT COLLATE "C" NOT NULL,
    source TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    note TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_by TEXT NOT NULL,
    ended_why TEXT NOT NULL,
    replaced_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_do_not_call_history PRIMARY KEY (id)
);
CREATE INDEX ix_do_not_call_history_phone ON do_not_call_history (phone, id);
COMMENT ON TABLE do_not_call_history IS 'What entries of the do-not-call list were before each change; append-only';

CREATE FUNCTION keep_do_not_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO do_not_call_history (phone, source, expires_at, note, added_by, added_at, ended_by, ended_why, replaced_at)
    VALUES (
        old.phone, old.source, old.expires_at, old.note, old.added_by, old.added_at, old.ended_by, old.ended_why,
        clock_timestamp()
    );
    RETURN NULL;
END $$;

CREATE TRIGGER do_not_call_kept
AFTER UPDATE OR DELETE ON do_not_call
FOR EACH ROW EXECUTE FUNCTION keep_do_not_call();
CREATE TRIGGER do_not_call_never_emptied
BEFORE TRUNCATE ON do_not_call
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER do_not_call_history_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON do_not_call_history
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
