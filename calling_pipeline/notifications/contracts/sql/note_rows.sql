-- Note when each contract of a ledger was first seen, and whether it said Y then; contracts seen before stay as they are.
INSERT INTO contract_rows (csv_file, contract_id, first_seen_at, notified_before)
SELECT
    :csv_file,
    seen.contract_id,
    :now,
    seen.notified
FROM unnest(cast(:ids AS text[]), cast(:notified AS boolean[])) AS seen (contract_id, notified)
ON CONFLICT DO NOTHING
