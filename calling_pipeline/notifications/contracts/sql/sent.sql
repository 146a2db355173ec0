-- What was delivered about each of the contracts. `complete`: no message about it is in any other state, so that a
-- contract with a message that is held, abandoned or waiting never counts as notified.
SELECT
    contract_id,
    coalesce(array_agg(kind) FILTER (WHERE state = 'delivered'), '{}') AS delivered,
    bool_and(state = 'delivered') AS complete
FROM contract_messages
WHERE contract_id = any(:ids)
GROUP BY contract_id
