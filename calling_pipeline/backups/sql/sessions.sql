-- How many sessions of clients, this one aside, use the database called :name.
SELECT count(*) FROM pg_stat_activity
WHERE datname = :name AND pid <> pg_backend_pid() AND backend_type = 'client backend'
