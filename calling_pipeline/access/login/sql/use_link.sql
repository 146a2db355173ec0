-- Uses up the link and answers whom it logs in, if it is unused, not expired at `now` and its person active; no row otherwise.
-- Of two uses at the same time one gets the row.
UPDATE login_links
SET ended_at = :now
FROM people
WHERE
    login_links.person_id = people.id
    AND login_links.digest = :digest
    AND login_links.ended_at IS NULL
    AND login_links.expires_at > :now
    AND people.active
RETURNING login_links.person_id
