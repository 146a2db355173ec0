-- What is known of each attempt's number: one row per attempt, in their order. The number's latest `depth` attempts
-- suffice: a cap of n looks at the n-th latest. `recorded_phone` is set when the room used the reference before. `any_erased`:
-- some number was erased, so each is to be compared with those.
SELECT
    same.phone AS recorded_phone, list.permanent, list.until, list.source, recent.ats, pair.at AS pair_last,
    exists(SELECT FROM erased_persons) AS any_erased
FROM
    unnest(
        cast(:phones AS text[]), cast(:rooms AS text[]), cast(:refs AS text[]), cast(:callers AS text[]),
        cast(:ats AS timestamptz[])
    ) WITH ORDINALITY AS attempt (phone, room, reference, caller, at, n)
LEFT JOIN contact_attempts AS same ON attempt.room = same.room AND attempt.reference = same.reference
LEFT JOIN LATERAL (
    SELECT bool_or(expires_at IS NULL) AS permanent, max(expires_at) AS until, min(source) AS source
    FROM do_not_call
    WHERE phone = attempt.phone AND (expires_at IS NULL OR expires_at > attempt.at)
) AS list ON TRUE
LEFT JOIN LATERAL (
    SELECT array_agg(latest.at ORDER BY latest.at DESC) AS ats
    FROM (
        SELECT at FROM contact_attempts
        WHERE phone = attempt.phone
        ORDER BY at DESC LIMIT :depth
    ) AS latest
) AS recent ON TRUE
LEFT JOIN LATERAL (
    SELECT max(at) AS at
    FROM contact_attempts
    WHERE phone = attempt.phone AND caller = attempt.caller AND at > attempt.at - interval '1 day'
) AS pair ON TRUE
ORDER BY attempt.n
