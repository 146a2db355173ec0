-- Whether a relation stands in our own schema or in PostgreSQL's, or reads one that does: as a view, through other views too,
-- or by inheritance. What a view's functions read is not seen.
WITH RECURSIVE reached AS (
    SELECT class.oid
    FROM pg_class AS class
    INNER JOIN pg_namespace AS space ON class.relnamespace = space.oid
    WHERE space.nspname = :schema AND class.relname = :table
    UNION
    SELECT read.oid
    FROM reached
    INNER JOIN LATERAL (
        SELECT depend.refobjid AS oid
        FROM pg_rewrite AS rewrite
        INNER JOIN pg_depend AS depend ON rewrite.oid = depend.objid AND depend.classid = 'pg_rewrite'::regclass
        WHERE rewrite.ev_class = reached.oid AND depend.refclassid = 'pg_class'::regclass
        UNION ALL
        SELECT cast(relation[1] AS oid)  -- of PostgreSQL's own tables no dependency is kept
        FROM pg_rewrite AS rewrite
        CROSS JOIN LATERAL regexp_matches(rewrite.ev_action::text, '[:]relid (\d+)', 'g') AS relation
        WHERE rewrite.ev_class = reached.oid
        UNION ALL
        SELECT inherits.inhrelid
        FROM pg_inherits AS inherits
        WHERE inherits.inhparent = reached.oid
    ) AS read ON TRUE
)

SELECT count(*) > 0
FROM reached
INNER JOIN pg_class AS class ON reached.oid = class.oid
INNER JOIN pg_namespace AS space ON class.relnamespace = space.oid
INNER JOIN pg_class AS ours ON ours.oid = 'call_batches'::regclass
WHERE space.nspname ~ '^pg_' OR space.nspname = 'information_schema' OR class.relnamespace = ours.relnamespace;
