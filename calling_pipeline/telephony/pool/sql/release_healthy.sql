-- `release.sql` for one extension that neither failed nor is draining: nearly every release, and far cheaper.
UPDATE extension_pool AS e
SET
    state = 'available',
    failures = CASE :verdict WHEN 'good' THEN 0 ELSE e.failures END,
    holder = NULL,
    lease_until = NULL,
    released_turn = nextval('extension_turns'),
    last_used_at = :now,
    ready_at = :now + make_interval(secs => c.cool_down_s)
FROM infinity_configs AS c
WHERE e.id = :extension_id AND e.fence = :fence AND e.state = 'in_use' AND NOT e.draining AND c.id = e.config_id
RETURNING e.id, e.state
