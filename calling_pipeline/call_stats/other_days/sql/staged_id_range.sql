-- The lowest and the highest id that a read brought; nulls when it brought none.
SELECT
    min(id) AS low,
    max(id) AS high
FROM incoming_calls
