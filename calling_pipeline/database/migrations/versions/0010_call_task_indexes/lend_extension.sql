-- Allocates an extension; the form of version 0.1.0. Frozen.
CREATE FUNCTION lend_extension(
    tenant bigint, collector bigint, wish text, at timestamptz, lease_s double precision, alone boolean, limit_lock bigint,
    OUT config_id bigint, OUT known boolean, OUT room boolean,
    OUT extension_id bigint, OUT number text, OUT fence bigint, OUT repeated boolean,
    OUT allowed integer, OUT total bigint, OUT in_use bigint, OUT free bigint, OUT offline bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    strategy text;
    rest interval;
    last_fence bigint;
    last_extension bigint;
    favourite bigint;
    round_after bigint;
    reached bigint;
    chosen bigint;
BEGIN
    IF alone THEN
        PERFORM pg_advisory_xact_lock(limit_lock);
    END IF;

    SELECT c.id, coalesce(wish, c.strategy), make_interval(secs => c.cool_down_s), c.max_concurrent_calls,
           k.fence, k.extension_id, e.id, e.number, e.fence,
           CASE WHEN alone
               THEN c.max_concurrent_calls > (
                   SELECT count(*) FROM extension_pool p WHERE p.config_id = c.id AND p.state = 'in_use')
               ELSE c.max_concurrent_calls >= (
                   SELECT count(*) FROM extension_pool p WHERE p.config_id = c.id AND p.state <> 'offline')
           END
    INTO config_id, strategy, rest, allowed, last_fence, last_extension, extension_id, number, fence, room
    FROM infinity_configs c
    LEFT JOIN collectors k ON k.tenant_id = tenant AND k.id = collector AND k.active
    LEFT JOIN extension_pool e ON e.id = k.extension_id AND e.fence = k.fence AND e.state = 'in_use'
    WHERE c.tenant_id = tenant AND c.enabled;
    known := last_fence IS NOT NULL;
    repeated := extension_id IS NOT NULL;
    IF config_id IS NULL OR NOT known OR repeated THEN
        RETURN;
    END IF;

    IF room AND (alone OR pg_try_advisory_xact_lock_shared(limit_lock)) THEN
        reached := nextval('extension_turns');
        IF strategy = 'affinity' THEN
            favourite := last_extension;
        ELSIF strategy = 'round_robin' THEN
            SELECT p.id INTO round_after FROM extension_pool p
            WHERE p.config_id = config_id ORDER BY p.fence DESC, p.id DESC LIMIT 1;
        END IF;

        SELECT p.id, p.number INTO chosen, number FROM extension_pool p
        WHERE p.config_id = config_id AND p.state = 'available' AND p.released_turn < reached
          AND NOT (p.ready_at > at AND p.ready_at <= at + rest)
        -- lru: the longest unused; affinity: his last, then so; round robin: by id, beginning after the last one lent
        ORDER BY CASE
            WHEN p.id = favourite THEN -1
            WHEN round_after IS NULL THEN p.released_turn
            WHEN p.id > round_after THEN p.id - 4611686018427387904
            ELSE p.id
        END, p.id
        LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED;

        IF FOUND THEN
            UPDATE collectors k SET fence = nextval('extension_turns'), extension_id = chosen
            WHERE k.tenant_id = tenant AND k.id = collector AND k.fence = last_fence
            RETURNING k.fence INTO fence;
            IF FOUND THEN
                UPDATE extension_pool e
                SET state = 'in_use', holder = collector, fence = lend_extension.fence, lent_at = at,
                    lease_until = at + make_interval(secs => lease_s)
                WHERE e.id = chosen;
                extension_id := chosen;
                RETURN;
            END IF;
        END IF;
    END IF;

    SELECT count(*), count(*) FILTER (WHERE p.state = 'in_use'),
           count(*) FILTER (WHERE p.state = 'available' AND NOT (p.ready_at > at AND p.ready_at <= at + rest)),
           count(*) FILTER (WHERE p.state = 'offline')
    INTO total, in_use, free, offline
    FROM extension_pool p WHERE p.config_id = lend_extension.config_id;
END $$;
