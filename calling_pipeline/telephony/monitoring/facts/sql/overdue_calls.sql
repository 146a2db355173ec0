-- Open calls whose deadline passed before `deadline_before` and that no sweep has looked into; the oldest hundred.
SELECT id AS call
FROM communication_records
WHERE closed_at IS NULL AND deadline < :deadline_before
ORDER BY deadline
LIMIT 100;
