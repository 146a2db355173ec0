-- Rows under the id by which their contract is known now, each once; those that said Y when they were first seen.
DELETE FROM contract_rows AS later
USING contract_rows AS earlier
WHERE
    later.csv_file = earlier.csv_file
    AND btrim(normalize(later.contract_id, NFKC)) = btrim(normalize(earlier.contract_id, NFKC))
    AND (later.first_seen_at, later.contract_id) > (earlier.first_seen_at, earlier.contract_id);
UPDATE contract_rows
SET contract_id = btrim(normalize(contract_id, NFKC))
WHERE contract_id <> btrim(normalize(contract_id, NFKC));
UPDATE contract_rows
SET said_yes_at = first_seen_at
WHERE notified_before;
