-- The columns of a table or view: name, whether it is an integer, and whether this role may read it.
SELECT
    attname, atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) AS is_integer,
    has_column_privilege(class.oid, attnum, 'SELECT') AS readable
FROM pg_attribute
INNER JOIN pg_class AS class ON class.oid = attrelid
INNER JOIN pg_namespace AS space ON space.oid = relnamespace
WHERE nspname = :schema AND relname = :table AND attnum > 0 AND NOT attisdropped
ORDER BY attnum;
