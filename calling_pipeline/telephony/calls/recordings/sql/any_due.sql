-- Whether a link is new or a recording is due.
WITH new AS (
    SELECT id
    FROM communication_records
    WHERE recording_url IS NOT NULL AND NOT recording_queued
    LIMIT 1
),

due AS (
    SELECT record_id
    FROM call_recordings
    WHERE state = 'wanted' AND next_try_at <= :now AND coalesce(claimed_until, '-infinity') <= :now
    LIMIT 1
)

SELECT (SELECT count(*) FROM new) + (SELECT count(*) FROM due) > 0;
