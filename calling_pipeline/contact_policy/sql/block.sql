-- Put numbers on the do-not-call list for one source. Of one number named twice the longest prohibition stays. Returns one
-- row per number that is new (`created`) or changed; an entry that is the same already returns none. What a dry run says of
-- the same numbers is `would_block.sql`.
INSERT INTO do_not_call AS entry (phone, source, expires_at, note, added_by, added_at)
SELECT DISTINCT ON (given.phone) given.phone, :source, given.expires_at, given.note, :by, :now
FROM
    unnest(cast(:phones AS text[]), cast(:expiries AS timestamptz[]), cast(:notes AS text[]))
    WITH ORDINALITY AS given (phone, expires_at, note, n)
ORDER BY given.phone, given.expires_at DESC NULLS FIRST, given.n
ON CONFLICT ON CONSTRAINT pk_do_not_call DO UPDATE
    SET
        expires_at = excluded.expires_at, note = excluded.note,
        added_by = excluded.added_by, added_at = excluded.added_at, ended_by = '', ended_why = ''
    WHERE (entry.expires_at, entry.note) IS DISTINCT FROM (excluded.expires_at, excluded.note)
RETURNING entry.phone, (xmax = 0) AS created
