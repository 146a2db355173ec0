-- Allocates an extension to a collector for one call. One round trip and one transaction; each of its statements sees what
-- was committed before that statement began.
--
-- The model:
--
-- * A tenant has one enabled configuration. Its pool holds extensions: `available`, `in_use` (with a holder and a fence) or
--   `offline`. An extension has one holder, and a collector holds one extension.
-- * A fence is a number that only grows. The newest one is written to the extension and to the collector; whoever releases
--   must show it, so a late release changes nothing.
-- * The collector's row is claimed by compare-and-set on the fence of the last allocation: of two allocations for the same
--   collector at once, one finds it changed and allocates nothing. Repeated, it finds the extension the collector holds.
-- * While at most max_concurrent_calls extensions are not offline the limit cannot be passed, and nobody waits: allocations
--   share the tenant's advisory lock. Otherwise the caller asks again with p_alone: under the exclusive lock, kept until its
--   transaction ends, the count of calls is exact.
--
-- What it returns: config_id NULL: no enabled configuration. known: there is such an active collector. extension_id, number
-- and fence: what the collector now holds; repeated: held already. Otherwise below_limit says that the limit was not in the
-- way, and the pool is counted (total, in_use, free, offline) to say why nothing was allocated.
CREATE FUNCTION allocate_extension(
    p_tenant bigint, p_collector bigint, p_strategy text, p_at timestamptz, p_lease_s double precision,
    p_alone boolean, p_limit_lock bigint,
    OUT config_id bigint, OUT known boolean, OUT below_limit boolean,
    OUT extension_id bigint, OUT number text, OUT fence bigint, OUT repeated boolean,
    OUT allowed integer, OUT total bigint, OUT in_use bigint, OUT free bigint, OUT offline bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_strategy text; v_cool_down interval; v_last_fence bigint; v_last_extension bigint; v_chosen bigint;
BEGIN
    IF p_alone THEN
        PERFORM pg_advisory_xact_lock(p_limit_lock);
    END IF;
    -- Who asks, what the collector holds, and whether the limit allows another call.
    SELECT c.id, coalesce(p_strategy, c.strategy), make_interval(secs => c.cool_down_s), c.max_concurrent_calls,
           k.fence, k.extension_id, e.id, e.number, e.fence,
           c.max_concurrent_calls - p_alone::integer >= (
               SELECT count(*) FROM extension_pool AS p
               WHERE p.config_id = c.id AND CASE WHEN p_alone THEN p.state = 'in_use' ELSE p.state <> 'offline' END)
    INTO config_id, v_strategy, v_cool_down, allowed, v_last_fence, v_last_extension, extension_id, number, fence, below_limit
    FROM infinity_configs AS c
    LEFT JOIN collectors AS k ON k.tenant_id = p_tenant AND k.id = p_collector AND k.active
    LEFT JOIN extension_pool AS e ON e.id = k.extension_id AND e.fence = k.fence AND e.state = 'in_use'
    WHERE c.tenant_id = p_tenant AND c.enabled;
    known := v_last_fence IS NOT NULL;
    repeated := extension_id IS NOT NULL;
    IF config_id IS NULL OR NOT known OR repeated THEN
        RETURN;
    END IF;
    IF below_limit AND (p_alone OR pg_try_advisory_xact_lock_shared(p_limit_lock)) THEN
        v_chosen := choose_extension(config_id, v_strategy, v_last_extension, p_at, v_cool_down);
        UPDATE collectors AS k SET fence = nextval('extension_turns'), extension_id = v_chosen
        WHERE v_chosen IS NOT NULL AND k.tenant_id = p_tenant AND k.id = p_collector AND k.fence = v_last_fence
        RETURNING k.fence INTO fence;
        IF FOUND THEN
            UPDATE extension_pool AS e SET state = 'in_use', holder = p_collector, fence = allocate_extension.fence,
                allocated_at = p_at, lease_until = p_at + make_interval(secs => p_lease_s)
            WHERE e.id = v_chosen RETURNING e.id, e.number INTO extension_id, number;
            RETURN;
        END IF;
    END IF;
    SELECT p.* INTO total, in_use, free, offline FROM count_extensions(config_id, p_at, v_cool_down) AS p;
END $$;
