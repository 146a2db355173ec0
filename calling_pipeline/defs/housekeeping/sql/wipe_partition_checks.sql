-- Delete at most :limit results of checks about partitions of an asset before :first_kept: what they judged is deleted.
DELETE FROM asset_check_executions
WHERE id IN (
    SELECT id FROM asset_check_executions
    WHERE asset_key = :asset_key AND partition < :first_kept
    LIMIT :limit
);
