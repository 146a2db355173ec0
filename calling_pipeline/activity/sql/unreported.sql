-- What is still to be reported, one row per asset and day, with the newest numbers and the newest note. `changed`: one of
-- the pieces of work changed what the asset shows. Oldest work first.
SELECT
    asset,
    day,
    (array_agg(numbers ORDER BY id DESC))[1] AS numbers,
    (array_agg(by ORDER BY id DESC))[1] AS by,
    max(noted_at) AS noted_at,
    count(*) AS times,
    bool_or(NOT jsonb_exists(numbers, 'only_judged')) AS changed,
    max(id) AS last_id
FROM asset_activity
GROUP BY asset, day
ORDER BY min(id)
LIMIT :max_rows
