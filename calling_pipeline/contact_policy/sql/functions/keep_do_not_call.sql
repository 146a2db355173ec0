-- Keeps what an entry of the do-not-call list was before it was changed or deleted, by whatever statement.
CREATE FUNCTION keep_do_not_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO do_not_call_history (phone, source, expires_at, note, added_by, added_at, ended_by, ended_why, replaced_at)
    VALUES (
        old.phone, old.source, old.expires_at, old.note, old.added_by, old.added_at, old.ended_by, old.ended_why,
        clock_timestamp()
    );
    RETURN NULL;
END $$;
