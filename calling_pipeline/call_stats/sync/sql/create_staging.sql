-- The empty table that COPY fills; it is dropped when the transaction ends. `staging.py` writes its lines.
CREATE TEMPORARY TABLE incoming_calls (
    id bigint,
    called_at_s bigint,
    call_state smallint,
    duration_s integer,
    grade text,
    order_yuan smallint,
    agent_id text,
    task_id text,
    task_name text,
    line_name text,
    phone_masked text,
    phone_hash bytea,
    hangup_reason text,
    province text,
    city text
) ON COMMIT DROP;
