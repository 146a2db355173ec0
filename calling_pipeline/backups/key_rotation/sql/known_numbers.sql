-- Every number that some room holds in full, once: numbers called, planned and contacted, the do-not-call list, and the tokens of
-- people who were erased, by which their calls belong together.
SELECT phone FROM call_history
UNION
SELECT phone FROM call_tasks
WHERE phone IS NOT NULL
UNION
SELECT phone FROM contact_attempts
UNION
SELECT phone FROM do_not_call
UNION
SELECT token FROM erased_persons
