-- How many contracts of each ledger say Y, were set back to N, wait with N, or stand on lines that cannot be used.
SELECT
    seen.csv_file,
    count(*) FILTER (WHERE unusable.contract_id IS NOT NULL) AS parked,
    count(*) FILTER (WHERE unusable.contract_id IS NULL AND seen.set_back_at IS NOT NULL) AS asked,
    count(*) FILTER (
        WHERE unusable.contract_id IS NULL AND seen.set_back_at IS NULL AND seen.said_yes_at IS NOT NULL
    ) AS yes,
    count(*) FILTER (
        WHERE unusable.contract_id IS NULL AND seen.set_back_at IS NULL AND seen.said_yes_at IS NULL
    ) AS waiting
FROM contract_rows AS seen
LEFT JOIN
    (
        SELECT DISTINCT
            kept.csv_file,
            line.contract_id
        FROM contract_ledgers AS kept
        CROSS JOIN LATERAL jsonb_to_recordset(kept.parked) AS line (contract_id text)
        WHERE line.contract_id IS NOT NULL
    ) AS unusable
    ON seen.csv_file = unusable.csv_file AND seen.contract_id = unusable.contract_id
GROUP BY seen.csv_file
ORDER BY seen.csv_file
