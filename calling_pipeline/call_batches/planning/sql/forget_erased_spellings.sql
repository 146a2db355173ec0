-- Cells of a batch that hold several numbers, one of them of a person who had their data erased, are not stored either.
UPDATE call_tasks
SET raw = NULL, row_key = NULL
FROM (
    SELECT listed.id, (regexp_matches(listed.raw, '1[3-9](?:[^0-9]{{0,3}}[0-9]){{9}}', 'g'))[1] AS spelling
    FROM call_tasks AS listed
    WHERE listed.batch_id = {batch_id} AND listed.phone IS NULL
) AS part
WHERE part.id = call_tasks.id AND {erased};
