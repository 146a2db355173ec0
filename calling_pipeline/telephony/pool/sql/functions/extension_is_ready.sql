-- Whether an available extension may be allocated at the instant p_at: its cool-down after the last call is over.
--
-- The only definition of "ready": allocation, the counts of a refusal and the statistics use it. ready_at is written at the
-- release, with the cool-down of that moment. A ready_at further off than the cool-down that holds now is no reason to wait:
-- the cool-down was shortened since, or the clock was set back.
--
-- STABLE and not IMMUTABLE, because adding an interval to an instant is: PostgreSQL then puts the expression into the
-- statement that calls it, at no cost.
CREATE FUNCTION extension_is_ready(p_ready_at timestamptz, p_at timestamptz, p_cool_down interval)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT NOT (p_ready_at > p_at AND p_ready_at <= p_at + p_cool_down)
$$;
