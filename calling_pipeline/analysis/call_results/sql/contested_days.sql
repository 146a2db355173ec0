-- Days, other than those joined now, whose kept results hold a call record that was just judged to belong to another push.
SELECT DISTINCT held.day
FROM judged_results AS judged
INNER JOIN call_results AS held ON judged.record_id = held.record_id
WHERE
    judged.call_task_id <> held.call_task_id
    AND held.day <> all(cast(:joined AS date[]))
ORDER BY held.day;
