-- Bytes, live and dead rows of the biggest tables as the statistics have them; a partition counts as its parent. Pages are
-- those of the last vacuum or analysis, so no file is looked at.
SELECT
    root.relname AS name,
    sum(part.bytes)::float AS bytes,
    sum(part.live)::float AS live,
    sum(part.dead)::float AS dead
FROM
    (
        SELECT
            coalesce(pg_partition_root(c.oid), c.oid) AS root,
            (
                c.relpages
                + coalesce((
                    SELECT sum(i.relpages) FROM pg_index AS x JOIN pg_class AS i ON x.indexrelid = i.oid
                    WHERE x.indrelid = c.oid
                ), 0)
            )::float * current_setting('block_size')::float AS bytes,
            coalesce(s.n_live_tup, 0) AS live,
            coalesce(s.n_dead_tup, 0) AS dead
        FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid AND n.nspname = current_schema()
        LEFT JOIN pg_stat_user_tables AS s ON c.oid = s.relid
        WHERE c.relkind = 'r'
    ) AS part
INNER JOIN pg_class AS root ON part.root = root.oid
GROUP BY root.relname
ORDER BY bytes DESC, name
LIMIT 30;
