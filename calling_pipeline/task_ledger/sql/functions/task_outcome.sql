-- What a save does to a task that exists already: 'updated', 'unchanged' or 'refused'.
--
-- A task of one feature stays with it. A completed task is final. A failed one may still complete, but does not become
-- pending again. p_same: the save would change neither state, credits, free, charge key nor details.
-- IMMUTABLE SQL, so that PostgreSQL puts it into save_task's statement.
CREATE FUNCTION task_outcome(p_state text, p_feature text, p_to_state text, p_to_feature text, p_same boolean)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN p_to_feature NOT IN ('', p_feature) AND p_feature <> '' THEN 'refused'
        WHEN p_state = 'completed' AND p_to_state = 'completed' THEN 'unchanged'
        WHEN p_state = 'completed' OR (p_state = 'failed' AND p_to_state = 'pending') THEN 'refused'
        WHEN p_same AND p_to_feature IN ('', p_feature) THEN 'unchanged'
        ELSE 'updated'
    END
$$;
