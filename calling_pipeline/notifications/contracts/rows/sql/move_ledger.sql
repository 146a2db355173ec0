-- Make what is known of the ledger `:old` known of `:new`, in one statement: the same file in another folder. A contract that both
-- have was first seen in the old one, and what it said there counts. Returns how many contracts were taken along.
WITH merged AS (
    UPDATE contract_rows AS here
    SET
        first_seen_at = least(here.first_seen_at, there.first_seen_at),
        notified_before = there.notified_before,
        said_yes_at = coalesce(there.said_yes_at, here.said_yes_at),
        set_back_at = coalesce(here.set_back_at, there.set_back_at)
    FROM contract_rows AS there
    WHERE here.csv_file = :new AND there.csv_file = :old AND there.contract_id = here.contract_id
    RETURNING here.contract_id
),

dropped AS (
    DELETE FROM contract_rows
    WHERE csv_file = :old AND contract_id IN (SELECT merged.contract_id FROM merged)
),

moved AS (
    UPDATE contract_rows
    SET csv_file = :new
    WHERE csv_file = :old AND contract_id NOT IN (SELECT merged.contract_id FROM merged)
    RETURNING contract_id
),

messages AS (
    UPDATE contract_messages
    SET metadata = jsonb_set(metadata, '{csv_file}', to_jsonb(cast(:new AS text)))
    WHERE metadata ->> 'csv_file' = :old
),

replaced AS (
    DELETE FROM contract_ledgers
    WHERE csv_file = :old AND EXISTS (
        SELECT FROM contract_ledgers AS newer
        WHERE newer.csv_file = :new
    )
),

renamed AS (
    UPDATE contract_ledgers
    SET csv_file = :new
    WHERE csv_file = :old AND NOT EXISTS (
        SELECT FROM contract_ledgers AS newer
        WHERE newer.csv_file = :new
    )
)

SELECT (SELECT count(*) FROM merged) + (SELECT count(*) FROM moved) AS contracts;
