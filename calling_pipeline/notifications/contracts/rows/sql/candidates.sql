-- Contracts of a ledger that a run about the days between :since and :until makes messages of: those first seen then, and those
-- seen before that no message could be made of until now.
SELECT contract_id
FROM contract_rows
WHERE csv_file = :csv_file AND first_seen_at < :until AND (first_seen_at >= :since OR parked)
