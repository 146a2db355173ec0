-- Lines that could not be used when their ledger was last read, ledger by ledger in the order of the lines.
SELECT
    kept.csv_file,
    kept.read_at,
    line.line,
    line.reason,
    line.contract_id
FROM contract_ledgers AS kept
CROSS JOIN LATERAL jsonb_to_recordset(kept.parked) AS line (line integer, reason text, contract_id text)
WHERE cast(:csv_file AS text) IS NULL OR kept.csv_file = :csv_file
ORDER BY kept.csv_file, line.line
LIMIT :limit OFFSET :offset
