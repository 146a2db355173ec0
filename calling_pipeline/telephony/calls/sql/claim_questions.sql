-- At most `most` open calls of one configuration that Infinity may be asked about now, the collector's own call `first` first
-- and then the oldest. Asking is noted in the same statement, so that nobody else asks about them for `again_s` seconds.
--
-- A call is asked about from `youngest_s` seconds after Infinity accepted it: until the extension rings it may be reported
-- idle. When Infinity has not answered, it may accept the call as long as it is waited for (`answer_s`). What seems to have
-- been asked in the future was asked before the clock was set back.
UPDATE communication_records AS r
SET asked_at = :now
FROM (
    SELECT id FROM communication_records
    WHERE
        config_id = :config_id AND closed_at IS NULL
        AND coalesce(called_at, started_at + make_interval(secs => :answer_s)) <= :now - make_interval(secs => :youngest_s)
        AND NOT (coalesce(asked_at, '-infinity') BETWEEN :now - make_interval(secs => :again_s) AND :now)
    ORDER BY (id = cast(:first AS bigint)) DESC NULLS LAST, started_at
    LIMIT :most
    FOR NO KEY UPDATE SKIP LOCKED
) AS due
WHERE r.id = due.id
RETURNING r.id AS record_id, r.extension_id, r.extension_number, r.fence, r.config_id, r.deadline;
