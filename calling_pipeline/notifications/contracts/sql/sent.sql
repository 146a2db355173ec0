-- What was delivered about each of the contracts. `complete`: of every kind that has messages one was delivered, and none is
-- open or held, so that a contract with a message that is held or waiting, or with none of a kind delivered, never counts as
-- notified. `closed`: none is open or held.
SELECT
    contract_id,
    coalesce(array_agg(kind) FILTER (WHERE was_delivered), '{}') AS delivered,
    bool_and(was_delivered AND NOT is_open) AS complete,
    bool_and(NOT is_open) AS closed
FROM (
    SELECT
        contract_id,
        kind,
        bool_or(state = 'delivered') AS was_delivered,
        bool_or(state NOT IN ('delivered', 'abandoned')) AS is_open
    FROM contract_messages
    WHERE contract_id = any(:ids)
    GROUP BY contract_id, kind
) AS by_kind
GROUP BY contract_id
