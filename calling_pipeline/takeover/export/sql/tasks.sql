-- Messages since then, as the old task table of the notifications has them. An unknown one may have been sent: it is completed
-- for the old system, which would send it again otherwise, and its metadata says so.
SELECT
    id, kind AS task_type, receiver AS recipient, body AS message,
    CASE state
        WHEN 'delivered' THEN 'completed' WHEN 'unknown' THEN 'completed' WHEN 'pending' THEN 'pending'
        WHEN 'sending' THEN 'completed' ELSE 'failed'
    END AS status,
    metadata || jsonb_build_object('state', state) AS metadata, created_at, coalesce(settled_at, created_at) AS updated_at
FROM contract_messages
WHERE coalesce(settled_at, created_at) >= :since
UNION ALL
SELECT
    id, kind, receiver, body,
    CASE state
        WHEN 'delivered' THEN 'completed' WHEN 'unknown' THEN 'completed' WHEN 'pending' THEN 'pending'
        WHEN 'sending' THEN 'completed' ELSE 'failed'
    END,
    metadata || jsonb_build_object('state', state), created_at, coalesce(settled_at, created_at)
FROM technician_messages
WHERE coalesce(settled_at, created_at) >= :since
ORDER BY task_type, id
