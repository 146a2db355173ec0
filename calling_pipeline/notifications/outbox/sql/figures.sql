-- How sending went of the messages created since :since. Medians leave aside what a person settled, whose time is theirs.
SELECT
    count(*) AS messages,
    count(*) FILTER (WHERE state = 'delivered') AS delivered,
    count(*) FILTER (WHERE has_ended) AS ended,
    cast(
        round(100.0 * count(*) FILTER (WHERE state = 'delivered') / nullif(count(*) FILTER (WHERE has_ended), 0), 2) AS float
    ) AS success_rate,
    percentile_cont(0.5) WITHIN GROUP (
        ORDER BY cast(extract(EPOCH FROM settled_at - claimed_at) AS float)
    ) FILTER (WHERE was_sent) AS median_answer_s,
    percentile_cont(0.5) WITHIN GROUP (
        ORDER BY cast(extract(EPOCH FROM settled_at - created_at) AS float)
    ) FILTER (WHERE was_sent) AS median_delivery_s,
    cast(coalesce(sum(attempts), 0) AS integer) AS attempts
FROM (
    SELECT
        state,
        settled_at,
        claimed_at,
        created_at,
        attempts,
        attempts > 0 AND state IN ('delivered', 'dead', 'unknown', 'abandoned') AS has_ended,
        state = 'delivered'
        AND attempts > 0
        AND NOT jsonb_path_exists(history, '$[*] ? (@.to == "delivered" && exists(@.by))') AS was_sent
    FROM {box}
    WHERE created_at >= :since
) AS lately
