-- Connections to this database by state, how many the server allows, and the age of its oldest transaction.
SELECT
    (
        SELECT coalesce(jsonb_object_agg(state, number), '{}') FROM (
            SELECT coalesce(state, 'unknown') AS state, count(*) AS number
            FROM pg_stat_activity
            WHERE datname = current_database()
            GROUP BY 1
        ) AS by_state
    ) AS by_state,
    current_setting('max_connections')::float AS allowed,
    (
        SELECT coalesce(extract(EPOCH FROM clock_timestamp() - min(xact_start)), 0)::float
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    ) AS oldest_transaction_s,
    (
        SELECT age(datfrozenxid)::float FROM pg_database
        WHERE datname = current_database()
    ) AS transactions_since_freeze;
