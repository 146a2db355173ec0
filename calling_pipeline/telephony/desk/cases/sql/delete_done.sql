-- Delete at most :limit cases that were done before :before, with the presses of the button about them; how many cases. A desk
-- that called one last forgets it. Calls themselves are communication records and stay.
WITH old AS (
    SELECT id
    FROM collector_cases
    WHERE state = 'done' AND done_at < :before
    ORDER BY id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
),

forgotten AS (
    UPDATE collector_desks
    SET case_id = NULL, call_id = NULL
    WHERE case_id IN (SELECT id FROM old)
),

presses AS (
    DELETE FROM desk_calls
    WHERE case_id IN (SELECT id FROM old)
),

deleted AS (
    DELETE FROM collector_cases
    WHERE id IN (SELECT id FROM old)
    RETURNING id
)

SELECT count(*) FROM deleted;
