-- The numbers that a day's batches pushed, with the keyed hashes by which call records know them: one that is current, and another
-- while a rotation of keys lasts.
CREATE TEMPORARY TABLE IF NOT EXISTS pushed_phones (
    phone text COLLATE "C" NOT NULL,
    phone_hash bytea NOT NULL,
    current boolean NOT NULL
) ON COMMIT DROP;
