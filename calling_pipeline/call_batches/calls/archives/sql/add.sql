-- Keep that rows of a batch are in a file, and by which reasons they were left out: added to what is there of it already.
INSERT INTO archived_batches AS known (batch_id, file, rows, reasons, archived_at)
VALUES (:batch_id, :file, :rows, cast(:reasons AS jsonb), :now)
ON CONFLICT (batch_id) DO UPDATE SET
    rows = known.rows + excluded.rows,
    reasons = (
        SELECT jsonb_object_agg(counted.reason, counted.rows)
        FROM (
            SELECT
                part.key AS reason,
                sum(part.value::bigint) AS rows
            FROM (
                SELECT * FROM jsonb_each_text(known.reasons)
                UNION ALL
                SELECT * FROM jsonb_each_text(excluded.reasons)
            ) AS part
            GROUP BY part.key
        ) AS counted
    ),
    archived_at = excluded.archived_at;
