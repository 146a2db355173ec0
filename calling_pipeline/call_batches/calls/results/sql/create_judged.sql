-- The results that a join found, before they are kept; it ends with the transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS judged_results (
    call_task_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    calling_task_id bigint NOT NULL,
    day date NOT NULL,
    phone text COLLATE "C" NOT NULL,
    pushed_at timestamptz NOT NULL,
    record_id bigint,
    called_at timestamptz,
    call_state smallint,
    talk_s integer,
    order_yuan smallint,
    agent_id text,
    hangup_reason text,
    province text
) ON COMMIT DROP;
