-- Say what a day is joined with, before it is. The row stays locked until the join ends: a push of the day that is settled
-- meanwhile marks it as stale only after that.
INSERT INTO call_result_days (day, joined_at, reads, stale)
VALUES (:day, :now, cast(:reads AS jsonb), FALSE)
ON CONFLICT (day) DO UPDATE SET joined_at = excluded.joined_at, reads = excluded.reads, stale = FALSE;
