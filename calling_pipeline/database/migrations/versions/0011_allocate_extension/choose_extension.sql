-- The ready extension that the strategy puts first among those that nobody has locked, locked; NULL when there is none.
--
-- It notes the turn reached before it reads the pool. An extension released after that was allocated and released in the
-- meantime; it is passed over, also when the change came between reading and locking it, so the order stays that of the
-- strategy.
--
--   lru          the extension that has been unused longest
--   affinity     the collector's last extension if it is ready, else as lru
--   round_robin  by id, beginning after the cursor; the cursor is the extension with the newest fence, so it is stored with
--                the pool and survives restarts
CREATE FUNCTION choose_extension(
    p_config_id bigint, p_strategy text, p_last_extension bigint, p_at timestamptz, p_cool_down interval
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_turn bigint := nextval('extension_turns');
    v_favourite bigint;
    v_cursor bigint;
    v_chosen bigint;
BEGIN
    IF p_strategy = 'affinity' THEN
        v_favourite := p_last_extension;
    ELSIF p_strategy = 'round_robin' THEN
        SELECT p.id INTO v_cursor FROM extension_pool AS p
        WHERE p.config_id = p_config_id ORDER BY p.fence DESC, p.id DESC LIMIT 1;
    END IF;

    SELECT p.id INTO v_chosen FROM extension_pool AS p
    WHERE p.config_id = p_config_id AND p.state = 'available' AND p.released_turn < v_turn
      AND extension_is_ready(p.ready_at, p_at, p_cool_down)
    ORDER BY CASE
        WHEN p.id = v_favourite THEN -1
        WHEN v_cursor IS NULL THEN p.released_turn
        WHEN p.id > v_cursor THEN p.id - 4611686018427387904  -- 2^62: before every id up to the cursor
        ELSE p.id
    END, p.id
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED;
    RETURN v_chosen;
END $$;
