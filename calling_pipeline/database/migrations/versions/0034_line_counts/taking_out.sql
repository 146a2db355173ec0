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
-- A record of a day that is over and changes takes its day out of the counted ones; records of today cost
-- nothing, nor does what is not counted.
CREATE TRIGGER communication_records_counted
AFTER INSERT OR UPDATE OF started_at, state, closed_at, settled_at, settled_by, duration_s, callback_delay_s
ON communication_records
FOR EACH ROW WHEN (NEW.started_at < date_trunc('day', now(), 'Asia/Shanghai'))
EXECUTE FUNCTION take_out_line_day();
CREATE TRIGGER communication_records_counted_gone
AFTER DELETE ON communication_records
FOR EACH ROW WHEN (OLD.started_at < date_trunc('day', now(), 'Asia/Shanghai'))
EXECUTE FUNCTION take_out_line_day();
