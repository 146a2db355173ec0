-- Every number that some room holds in full, once: numbers called, planned and contacted, and the do-not-call list.
SELECT phone FROM call_history
UNION
SELECT phone FROM call_tasks
WHERE phone IS NOT NULL
UNION
SELECT phone FROM contact_attempts
UNION
SELECT phone FROM do_not_call
