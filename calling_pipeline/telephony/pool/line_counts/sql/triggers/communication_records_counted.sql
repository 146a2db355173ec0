-- A record of a day that is over and changes takes its day out of the counted ones; records of today cost
-- nothing, nor does what is not counted.
CREATE TRIGGER communication_records_counted
AFTER INSERT OR UPDATE OF started_at, state, closed_at, settled_at, settled_by, duration_s, callback_delay_s
ON communication_records
FOR EACH ROW WHEN (new.started_at < date_trunc('day', now(), 'Asia/Shanghai'))
EXECUTE FUNCTION take_out_line_day();
CREATE TRIGGER communication_records_counted_gone
AFTER DELETE ON communication_records
FOR EACH ROW WHEN (old.started_at < date_trunc('day', now(), 'Asia/Shanghai'))
EXECUTE FUNCTION take_out_line_day();
