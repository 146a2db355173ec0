-- Extensions with more than one open call. A unique index forbids it, so a row means that the index is missing or broken.
SELECT
    extension_id AS extension,
    count(*) AS open_calls
FROM communication_records
WHERE closed_at IS NULL
GROUP BY extension_id
HAVING count(*) > 1
ORDER BY extension_id;
