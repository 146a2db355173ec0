-- A temporary table for the drafts of one call of `add_messages`; the transaction's end drops it.
CREATE TEMPORARY TABLE IF NOT EXISTS contract_drafts (
    place integer,
    kind text,
    receiver text,
    body text,
    cut_bytes integer,
    metadata jsonb,
    edition integer,
    resend_of bigint
) ON COMMIT DROP
