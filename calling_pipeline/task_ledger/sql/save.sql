-- Insert or move one task, charge it, and keep what was refused: one call of the function `save_task`, whose first
-- statement decides. Concurrent savers of one task queue at its row, so that each judges what the one before left;
-- concurrent charges of one act queue at the act's key.
SELECT *
FROM save_task(
    cast(:task_id AS text),
    cast(:feature AS text),
    cast(:state AS text),
    cast(:credits AS bigint),
    cast(:free AS boolean),
    cast(:charge_key AS text),
    cast(:details AS jsonb),
    cast(:now AS timestamptz),
    cast(:by AS text),
    cast(:account AS text)
);
