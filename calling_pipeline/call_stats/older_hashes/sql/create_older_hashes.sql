-- The hashes of the older spellings of numbers that are known in full, with the canonical hash and masked number.
CREATE TEMPORARY TABLE older_hashes (
    older bytea NOT NULL,
    canonical bytea NOT NULL,
    masked text NOT NULL
) ON COMMIT DROP
