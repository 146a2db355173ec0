-- What `block.sql` would do with these numbers, without doing it: one row per number that would be new (`created`) or
-- changed.
SELECT wanted.phone, entry.phone IS NULL AS created
FROM (
    SELECT DISTINCT ON (given.phone) given.phone, given.expires_at, given.note
    FROM
        unnest(cast(:phones AS text[]), cast(:expiries AS timestamptz[]), cast(:notes AS text[]))
        WITH ORDINALITY AS given (phone, expires_at, note, n)
    ORDER BY given.phone, given.expires_at DESC NULLS FIRST, given.n
) AS wanted
LEFT JOIN do_not_call AS entry ON wanted.phone = entry.phone AND entry.source = :source
WHERE entry.phone IS NULL OR (entry.expires_at, entry.note) IS DISTINCT FROM (wanted.expires_at, wanted.note)
