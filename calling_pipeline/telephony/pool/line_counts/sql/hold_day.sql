-- Waits for those who change records of the day, as `take_out_line_day` says, and holds them off until the transaction ends.
SELECT pg_advisory_xact_lock(hashtext('line day'), cast(:day AS date) - date '2000-01-01');
