-- Charge the completed ones of tasks that were taken over, each once, at the time it was completed.
INSERT INTO task_charges (charged_act, task_id, feature, credits, charged_at, charged_by)
SELECT charged_act, task_id, feature, credits, finished_at, :by
FROM task_ledger
WHERE task_id = any(cast(:ids AS text[])) AND state = 'completed' AND NOT free AND credits > 0
ON CONFLICT DO NOTHING;
