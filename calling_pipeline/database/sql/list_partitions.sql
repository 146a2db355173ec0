-- The partitions of a table with their bounds as they were written, without a default one.
SELECT
    child.relname AS name,
    pg_get_expr(child.relpartbound, child.oid) AS bounds
FROM pg_inherits AS link
INNER JOIN pg_class AS child ON link.inhrelid = child.oid
WHERE
    link.inhparent = to_regclass(:table)
    AND pg_get_expr(child.relpartbound, child.oid) <> 'DEFAULT';
