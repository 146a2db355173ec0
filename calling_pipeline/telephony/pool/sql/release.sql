-- Release extensions: what every statement that ends a call or takes an extension back does to the pool.
--
-- {source} is a relation with the columns extension_id, fence and verdict. An extension that was allocated anew since has
-- another fence and is left alone. Verdict: `good` (failures begin again at zero), `failed` (one more; enough of them in a
-- row quarantine the extension), `none` (failures stay). A draining extension goes offline.
-- `release_healthy.sql` is the same without failures and draining; a test holds the two together.
UPDATE extension_pool AS e
SET
    state = CASE
        WHEN
            e.draining OR (s.verdict = 'failed' AND c.quarantine_after > 0 AND e.failures + 1 >= c.quarantine_after)
            THEN 'offline'
        ELSE 'available'
    END,
    offline_reason = CASE
        WHEN s.verdict = 'failed' AND c.quarantine_after > 0 AND e.failures + 1 >= c.quarantine_after
            THEN 'quarantine: ' || (e.failures + 1) || ' failures in a row'
        WHEN e.draining THEN e.offline_reason
        ELSE ''
    END,
    quarantined_until = CASE
        WHEN
            s.verdict = 'failed' AND c.quarantine_after > 0 AND e.failures + 1 >= c.quarantine_after AND c.quarantine_s > 0
            THEN :now + make_interval(secs => c.quarantine_s)
    END,
    failures = CASE s.verdict WHEN 'failed' THEN e.failures + 1 WHEN 'good' THEN 0 ELSE e.failures END,
    draining = FALSE,
    holder = NULL,
    lease_until = NULL,
    released_turn = nextval('extension_turns'),
    last_used_at = :now,
    ready_at = :now + make_interval(secs => c.cool_down_s)
FROM {source} AS s, infinity_configs AS c
WHERE e.id = s.extension_id AND e.fence = s.fence AND e.state = 'in_use' AND c.id = e.config_id
RETURNING e.id, e.state
