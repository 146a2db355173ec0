-- Close the open held day of a track and date that an older read brought, because of the read `fetch_number`, and delete
-- its records. Returns the id of the day that was closed, no row without one.
WITH closed AS (
    UPDATE held_days
    SET
        state = 'replaced',
        closed_at = :now,
        closing_reason = :closing_reason
    WHERE track = :track AND date = :day AND state = 'open' AND fetch_number < :fetch_number
    RETURNING id
),

deleted AS (
    DELETE FROM held_call_records
    USING closed
    WHERE held_id = closed.id
)

SELECT id FROM closed;
