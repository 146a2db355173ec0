-- Every configuration's pool at the instant `now`. An extension that is available but not ready yet is cooling down.
-- Utilisation is measured against what can be allocated at once: the extensions not offline, or the limit if it is lower.
SELECT
    s.tenant_id, s.config_id, s.config_name, s.enabled, s.max_concurrent_calls, s.total,
    s.available - cooling.number AS available, cooling.number AS cooling_down,
    s.in_use, s.offline, s.quarantined, s.draining, s.last_used_at,
    cast(round(100.0 * s.in_use / greatest(least(s.total - s.offline, s.max_concurrent_calls), 1), 2) AS float)
        AS utilisation_pct
FROM extension_statistics AS s
CROSS JOIN
    LATERAL (
        SELECT count(*) AS number
        FROM extension_pool AS e
        WHERE e.config_id = s.config_id AND e.state = 'available' AND NOT extension_is_ready(e.ready_at, :now, make_interval(secs => s.cool_down_s))
    ) AS cooling
WHERE
    (cast(:tenant_id AS bigint) IS NULL OR s.tenant_id = :tenant_id)
    AND (cast(:config_id AS bigint) IS NULL OR s.config_id = :config_id)
ORDER BY s.tenant_id, s.config_id
