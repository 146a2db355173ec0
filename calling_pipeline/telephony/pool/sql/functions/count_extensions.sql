-- A configuration's pool at the instant p_at, to say why nothing was allocated. What is neither in use nor free nor offline
-- is cooling down.
CREATE FUNCTION count_extensions(
    p_config_id bigint, p_at timestamptz, p_cool_down interval,
    OUT total bigint, OUT in_use bigint, OUT free bigint, OUT offline bigint
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT count(*), count(*) FILTER (WHERE p.state = 'in_use'),
           count(*) FILTER (WHERE p.state = 'available' AND extension_is_ready(p.ready_at, p_at, p_cool_down)),
           count(*) FILTER (WHERE p.state = 'offline')
    INTO total, in_use, free, offline
    FROM extension_pool AS p
    WHERE p.config_id = p_config_id;
END $$;
