-- The calls of a sample with what their reviewers think now, in the order in which they first noted.
SELECT
    s.record_id, r.tenant_id, s.collector_id, coalesce(k.name, '') AS collector, r.started_at, r.duration_s,
    r.destination_masked, s.population, s.probability, s.second, coalesce(n.scores, cast(ARRAY[] AS integer[])) AS scores
FROM quality_sample_calls AS s
INNER JOIN communication_records AS r ON s.record_id = r.id
LEFT JOIN collectors AS k ON r.tenant_id = k.tenant_id AND s.collector_id = k.id
LEFT JOIN LATERAL (
    SELECT array_agg(cast(o.score AS integer) ORDER BY o.first_id) AS scores
    FROM (
        SELECT
            max(c.score) FILTER (WHERE c.replaced_at IS NULL) AS score, min(c.id) AS first_id
        FROM call_notes AS c
        WHERE c.record_id = s.record_id
        GROUP BY c.reviewer
    ) AS o
) AS n ON TRUE
WHERE s.sample_id = :sample_id
ORDER BY s.place, s.collector_id
