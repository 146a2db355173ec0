-- Messages about contracts as the table `tasks` had them. A message whose outcome is unknown says so: it is neither pending nor
-- sent. The ledger is named by its file, not by its path.
CREATE VIEW old_names.tasks AS
SELECT
    id,
    kind AS task_type,
    regexp_replace(receiver, '^(robot|user):', '') AS recipient,
    body AS message,
    CASE state
        WHEN 'sending' THEN 'pending'
        WHEN 'delivered' THEN 'completed'
        WHEN 'dead' THEN 'failed'
        WHEN 'abandoned' THEN 'failed'
        ELSE state
    END AS status,
    created_at,
    coalesce(settled_at, claimed_at, created_at) AS updated_at,
    CASE WHEN state = 'delivered' THEN settled_at END AS completed_at,
    coalesce(metadata ->> 'created_by', 'contract_notification') AS created_by,
    last_error AS error_message,
    attempts AS retry_count,
    cast(
        CASE
            WHEN metadata ? 'csv_file'
                THEN
                    metadata
                    || jsonb_build_object('csv_file', regexp_replace(metadata ->> 'csv_file', '^.*[/\\]', ''))
            ELSE metadata
        END AS text
    ) AS metadata
FROM contract_messages;
