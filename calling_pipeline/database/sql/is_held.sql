-- Whether some session of this database holds the advisory lock with this 64-bit key (PostgreSQL shows its two halves).
SELECT exists(
    SELECT FROM pg_locks
    WHERE
        locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (
            SELECT oid FROM pg_database
            WHERE datname = current_database()
        )
        AND (classid::bigint << 32) | objid::bigint = :key
);
