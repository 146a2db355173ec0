-- The hash of each number that is known in full, with the key before and with the new one.
CREATE TEMPORARY TABLE new_hashes (
    old bytea PRIMARY KEY,
    new bytea NOT NULL
)
