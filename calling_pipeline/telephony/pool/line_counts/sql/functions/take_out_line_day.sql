-- Takes the day of a communication record that is added, changed or deleted out of the counted days, so that it is counted
-- anew. It waits for a count of that day that is under way, and a count waits for it: no change is missed.
CREATE FUNCTION take_out_line_day() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_day date := CASE TG_OP WHEN 'DELETE' THEN OLD.started_at ELSE NEW.started_at END AT TIME ZONE 'Asia/Shanghai';
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('line day'), v_day - date '2000-01-01');
    DELETE FROM counted_line_days AS c WHERE c.day = v_day;
    RETURN NULL;
END $$;
