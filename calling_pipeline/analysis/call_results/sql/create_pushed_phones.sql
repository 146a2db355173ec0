-- The numbers that a day's batches pushed, with the keyed hash by which call records know them.
CREATE TEMPORARY TABLE IF NOT EXISTS pushed_phones (
    phone text COLLATE "C" NOT NULL,
    phone_hash bytea NOT NULL
) ON COMMIT DROP;
