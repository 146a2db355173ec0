-- Samples, the newest first, each with how many calls it has and how many are reviewed; a second review is done with two.
SELECT
    s.id, s.tenant_id, s.first, s.last, s.per_collector, s.second_pct, s.seed, s.made_at, s.made_by,
    count(c.record_id) AS calls,
    count(DISTINCT c.collector_id) AS collectors,
    count(*) FILTER (WHERE n.reviewers >= 1) AS reviewed,
    count(*) FILTER (WHERE c.second) AS seconds,
    count(*) FILTER (WHERE c.second AND n.reviewers >= 2) AS seconds_reviewed
FROM (
    SELECT q.* FROM quality_samples AS q
    WHERE
        (cast(:tenant_id AS bigint) IS NULL OR q.tenant_id = :tenant_id)
        AND (cast(:sample_id AS bigint) IS NULL OR q.id = :sample_id)
        AND (cast(:first AS date) IS NULL OR q.first >= :first) AND (cast(:last AS date) IS NULL OR q.last <= :last)
    ORDER BY q.id DESC
    LIMIT :limit OFFSET :offset
) AS s
LEFT JOIN quality_sample_calls AS c ON s.id = c.sample_id
LEFT JOIN LATERAL (
    SELECT count(*) AS reviewers FROM call_notes AS o
    WHERE o.record_id = c.record_id AND o.replaced_at IS NULL
) AS n ON TRUE
GROUP BY
    s.id, s.tenant_id, s.first, s.last, s.per_collector, s.second_pct, s.seed, s.made_at, s.made_by
ORDER BY s.id DESC
