-- Note when each contract of a ledger was first seen and what its row says now; returns how many are new.
--
-- A row that said Y and says N again is set back, until a person answers or it says Y again. Rows that say what they said
-- are not written.
WITH seen AS (
    SELECT *
    FROM
        unnest(
            cast(:ids AS text[]), cast(:lines AS integer[]), cast(:said_yes AS boolean[])
        ) AS said (contract_id, line, said_yes)
),

added AS (
    INSERT INTO contract_rows (csv_file, contract_id, first_seen_at, notified_before, line, said_yes_at)
    SELECT
        :csv_file,
        contract_id,
        :now,
        said_yes,
        line,
        CASE WHEN said_yes THEN cast(:now AS timestamptz) END
    FROM seen
    ON CONFLICT DO NOTHING
    RETURNING contract_id
),

changed AS (
    UPDATE contract_rows AS known
    SET
        line = seen.line,
        said_yes_at = CASE WHEN seen.said_yes THEN coalesce(known.said_yes_at, :now) ELSE known.said_yes_at END,
        set_back_at = CASE
            WHEN NOT seen.said_yes AND known.said_yes_at IS NOT NULL THEN coalesce(known.set_back_at, :now)
        END
    FROM seen
    WHERE
        known.csv_file = :csv_file
        AND known.contract_id = seen.contract_id
        AND (
            known.line IS DISTINCT FROM seen.line
            OR (seen.said_yes AND (known.said_yes_at IS NULL OR known.set_back_at IS NOT NULL))
            OR (NOT seen.said_yes AND known.said_yes_at IS NOT NULL AND known.set_back_at IS NULL)
        )
)

SELECT count(*) FROM added
