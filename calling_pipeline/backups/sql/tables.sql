-- Every table with rows of its own, in the order of its name: neither the server's nor a session's.
SELECT
    spaces.nspname AS schema,
    tables.relname AS name
FROM pg_class AS tables
INNER JOIN pg_namespace AS spaces ON tables.relnamespace = spaces.oid
WHERE
    tables.relkind = 'r'
    AND tables.relpersistence <> 't'
    AND spaces.nspname NOT IN ('pg_catalog', 'information_schema')
    AND spaces.nspname NOT LIKE 'pg\_%'
ORDER BY spaces.nspname, tables.relname
