-- Keep a ledger file as it was read, and the lines that could not be used; the same read again changes nothing.
INSERT INTO contract_ledgers AS kept (csv_file, content, digest, encoding, rows, parked, read_at)
VALUES (:csv_file, :content, :digest, :encoding, :rows, cast(:parked AS jsonb), :now)
ON CONFLICT (csv_file) DO UPDATE
    SET
        content = excluded.content,
        digest = excluded.digest,
        encoding = excluded.encoding,
        rows = excluded.rows,
        parked = excluded.parked,
        read_at = excluded.read_at
    WHERE kept.digest <> excluded.digest OR kept.parked <> excluded.parked
