-- Make the temporary table `contact_refusals(phone, rule)`: every number that the do-not-call list, a cap or the minimum
-- gap refuses at `at`, once, with the first rule. A cap counts attempts after its `since`. Dropped with the transaction.
CREATE TEMPORARY TABLE contact_refusals ON COMMIT DROP AS
SELECT DISTINCT ON (refused.phone) refused.phone, refused.rule
FROM (
    SELECT phone, 0 AS n, 'do_not_call' AS rule
    FROM do_not_call
    WHERE expires_at IS NULL OR expires_at > :at
    UNION ALL
    SELECT contact_attempts.phone, min(cap.n) AS n, (array_agg(cap.rule ORDER BY cap.n))[1] AS rule
    FROM contact_attempts
    INNER JOIN
        unnest(cast(:rules AS text[]), cast(:limits AS integer[]), cast(:sinces AS timestamptz[]))
        WITH ORDINALITY AS cap (rule, most, since, n)
        ON contact_attempts.at > cap.since
    WHERE contact_attempts.at > :oldest
    GROUP BY contact_attempts.phone, cap.n, cap.most
    HAVING count(*) >= cap.most
) AS refused
ORDER BY refused.phone, refused.n
