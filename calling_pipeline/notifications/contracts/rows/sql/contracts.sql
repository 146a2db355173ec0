-- Contracts of the ledgers in one of the states of `RowState` or in any, those first seen last at the top, each with its
-- messages by state.
--
-- Unusable are those that the ledger, as last read, has on lines of which no message can be made. `NOT IN` keeps the order of
-- the index that the page is read by. Messages are counted for one page only.
WITH unusable AS (
    SELECT DISTINCT
        kept.csv_file,
        line.contract_id
    FROM contract_ledgers AS kept
    CROSS JOIN LATERAL jsonb_to_recordset(kept.parked) AS line (contract_id text)
    WHERE line.contract_id IS NOT NULL
),

page AS (
    SELECT *
    FROM contract_rows
    WHERE
        (cast(:csv_file AS text) IS NULL OR csv_file = :csv_file)
        AND (cast(:contract_id AS text) IS NULL OR contract_id = :contract_id)
        AND {wanted}
    ORDER BY first_seen_at DESC, csv_file ASC, line ASC
    LIMIT :limit OFFSET :offset
)

SELECT
    page.csv_file,
    page.contract_id,
    page.line,
    page.first_seen_at,
    page.said_yes_at,
    page.set_back_at,
    page.parked,
    CASE
        WHEN (page.csv_file, page.contract_id) IN (SELECT csv_file, contract_id FROM unusable) THEN 'parked'
        WHEN page.set_back_at IS NOT NULL THEN 'asked'
        WHEN page.said_yes_at IS NOT NULL THEN 'yes'
        ELSE 'waiting'
    END AS state,
    coalesce(messages.by_state, '{}') AS messages
FROM page
CROSS JOIN
    LATERAL (
        SELECT jsonb_object_agg(by_state.state, by_state.messages) AS by_state
        FROM (
            SELECT
                m.state,
                count(*) AS messages
            FROM contract_messages AS m
            WHERE m.contract_id = page.contract_id
            GROUP BY m.state
        ) AS by_state
    ) AS messages
ORDER BY page.first_seen_at DESC, page.csv_file ASC, page.line ASC
