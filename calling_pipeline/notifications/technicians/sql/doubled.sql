-- Changes and kinds with more than one message.
SELECT
    change_id,
    kind,
    count(*) AS messages
FROM technician_messages
GROUP BY change_id, kind
HAVING count(*) > 1
ORDER BY change_id, kind
