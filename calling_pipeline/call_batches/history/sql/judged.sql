-- The rows of an import with their verdicts, in the order of the file, from the line after `:after` on. Rows without a number
-- carry their reason; of rows with one number the first stands for it.
SELECT
    line.line,
    coalesce(line.phone, line.said) AS phone,
    CASE
        WHEN line.reason IS NOT NULL THEN 'rejected'
        WHEN decided.first_line <> line.line THEN 'repeated'
        ELSE decided.verdict
    END AS verdict,
    coalesce(line.reason, '') AS reason,
    coalesce(line.remark, '') AS remark
FROM history_lines AS line
LEFT JOIN history_decided AS decided ON decided.phone = line.phone AND line.reason IS NULL
WHERE
    line.line > :after
    AND (cast(:rejected AS boolean) IS NULL OR (line.reason IS NOT NULL) = cast(:rejected AS boolean))
ORDER BY line.line
LIMIT :limit
