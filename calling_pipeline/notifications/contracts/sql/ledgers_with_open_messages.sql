-- The ledger files that have messages waiting, or put aside because of what the file says.
SELECT DISTINCT metadata ->> 'csv_file' AS csv_file
FROM contract_messages
WHERE
    (state = 'pending' OR state = 'dead' AND history -> -1 ->> 'by' = :by)
    AND metadata ->> 'csv_file' IS NOT NULL
ORDER BY csv_file
