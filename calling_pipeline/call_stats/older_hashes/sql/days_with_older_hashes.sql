-- Days with a hashed phone whose mask no canonical number has: a canonical one shows the series of a mobile or a plus.
-- Masks of fewer than eleven characters count as older; a few short foreign numbers have them too. Separators inside a
-- number leave no trace in its mask: such days are not found.
SELECT DISTINCT date
FROM call_records
WHERE
    phone_hash IS NOT NULL
    AND NOT (phone_masked ~ '^[0-9]{3}[*]{4}[0-9]{4}$' AND left(phone_masked, 3) = any(cast(:series AS text[])))
    AND phone_masked !~ '^[+][0-9]{2}[*]{4}[0-9]{4}$'
ORDER BY date
