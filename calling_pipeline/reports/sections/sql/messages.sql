-- The messages of both outboxes that were written from :first until before :last, counted by what became of them so far.
-- Two rows, also where there are none.
SELECT
    boxes.box,
    count(messages.state) AS messages,
    count(*) FILTER (WHERE messages.state = 'delivered') AS delivered,
    count(*) FILTER (WHERE messages.state IN ('pending', 'sending')) AS under_way,
    count(*) FILTER (WHERE messages.state = 'unknown') AS unknown,
    count(*) FILTER (WHERE messages.state = 'dead') AS dead,
    count(*) FILTER (WHERE messages.state = 'abandoned') AS abandoned
FROM (VALUES (1, 'contracts'), (2, 'technicians')) AS boxes (place, box)
LEFT JOIN LATERAL (
    SELECT contract_messages.state
    FROM contract_messages
    WHERE boxes.box = 'contracts' AND contract_messages.created_at >= :first AND contract_messages.created_at < :last
    UNION ALL
    SELECT technician_messages.state
    FROM technician_messages
    WHERE boxes.box = 'technicians' AND technician_messages.created_at >= :first AND technician_messages.created_at < :last
) AS messages ON TRUE
GROUP BY boxes.place, boxes.box
ORDER BY boxes.place
