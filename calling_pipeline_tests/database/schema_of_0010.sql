-- The schema as the ten migrations before version 0.1.0 made it (`pg_dump --schema-only`, PostgreSQL 18), and its two rows.
-- test_schema.py loads it to prove that such a database is brought forward. Never changed.
CREATE FUNCTION lend_extension(tenant bigint, collector bigint, wish text, at timestamp with time zone, lease_s double precision, alone boolean, limit_lock bigint, OUT config_id bigint, OUT known boolean, OUT room boolean, OUT extension_id bigint, OUT number text, OUT fence bigint, OUT repeated boolean, OUT allowed integer, OUT total bigint, OUT in_use bigint, OUT free bigint, OUT offline bigint) RETURNS record
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN RAISE EXCEPTION '% rows are only ever added', TG_TABLE_NAME; END $$;
CREATE FUNCTION save_task(task text, of_feature text, to_state text, asked bigint, for_free boolean, charge_key text, more jsonb, at timestamp with time zone, who text, OUT outcome text, OUT saved_task text, OUT state_now text, OUT credits_now bigint, OUT charge text, OUT reason text) RETURNS record
    LANGUAGE plpgsql
    AS $$
DECLARE
    feature_now text;
    free_now boolean;
    act_now text;
    was_paid bigint;
    paid boolean;
BEGIN
    INSERT INTO task_ledger AS kept (
        task_id, feature, state, credits, free, charged_act, details,
        created_at, created_by, updated_at, updated_by, finished_at, saves, last_outcome)
    VALUES (
        task, of_feature, to_state, coalesce(asked, 0), coalesce(for_free, coalesce(asked, 0) = 0),
        coalesce(charge_key, task), more, at, who, at, who,
        CASE WHEN to_state <> 'pending' THEN at END, 1, 'created')
    ON CONFLICT (task_id) DO UPDATE
    SET (last_outcome, saves, feature, state, credits, free, charged_act, details,
         updated_at, updated_by, finished_at) = (
        SELECT
            judged.outcome, kept.saves + 1,
            CASE WHEN moves AND kept.feature = '' THEN excluded.feature ELSE kept.feature END,
            CASE WHEN moves THEN excluded.state ELSE kept.state END,
            CASE WHEN moves THEN wanted.credits ELSE kept.credits END,
            CASE WHEN moves THEN wanted.free ELSE kept.free END,
            CASE WHEN moves THEN wanted.charged_act ELSE kept.charged_act END,
            CASE WHEN moves THEN wanted.details ELSE kept.details END,
            CASE WHEN moves THEN wanted.at ELSE kept.updated_at END,
            CASE WHEN moves THEN excluded.updated_by ELSE kept.updated_by END,
            CASE WHEN moves AND kept.state <> excluded.state THEN wanted.at ELSE kept.finished_at END
        FROM (
            SELECT
                coalesce(asked, kept.credits) AS credits,
                coalesce(for_free, CASE WHEN asked <> kept.credits THEN asked = 0 END, kept.free) AS free,
                coalesce(charge_key, kept.charged_act) AS charged_act,
                kept.details || excluded.details AS details,
                greatest(kept.updated_at, excluded.updated_at) AS at
        ) AS wanted
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN excluded.feature NOT IN ('', kept.feature) AND kept.feature <> '' THEN 'refused'
                WHEN kept.state = 'completed' AND excluded.state = 'completed' THEN 'unchanged'
                WHEN kept.state = 'completed' OR (kept.state = 'failed' AND excluded.state = 'pending') THEN 'refused'
                WHEN (excluded.state, wanted.credits, wanted.free, wanted.charged_act, wanted.details)
                   = (kept.state, kept.credits, kept.free, kept.charged_act, kept.details)
                   AND excluded.feature IN ('', kept.feature) THEN 'unchanged'
                ELSE 'updated'
            END AS outcome
        ) AS judged CROSS JOIN LATERAL (SELECT judged.outcome = 'updated' AS moves) AS verdict)
    RETURNING kept.task_id, kept.feature, kept.state, kept.credits, kept.free, kept.charged_act, kept.last_outcome
    INTO saved_task, feature_now, state_now, credits_now, free_now, act_now, outcome;

    paid := state_now = 'completed' AND NOT free_now AND credits_now > 0;
    charge := 'none';
    IF paid AND outcome IN ('created', 'updated') THEN
        INSERT INTO task_charges (charged_act, task_id, feature, credits, charged_at, charged_by)
        VALUES (act_now, saved_task, feature_now, credits_now, at, who) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            charge := 'charged';
            RETURN;
        END IF;
        charge := 'refused';
        reason := 'the act ' || act_now || ' was charged under another task';
    ELSIF outcome = 'refused' THEN
        reason := CASE WHEN of_feature NOT IN ('', feature_now)
            THEN 'the task belongs to ' || feature_now || ', not to ' || of_feature
            ELSE 'a ' || state_now || ' task cannot become ' || to_state END;
    ELSIF state_now = 'completed' AND outcome = 'unchanged' THEN
        was_paid := CASE WHEN paid THEN credits_now ELSE 0 END;
        IF coalesce(
            CASE WHEN for_free THEN 0 END, CASE WHEN for_free IS NULL AND asked = credits_now THEN was_paid END,
            asked, was_paid) <> was_paid THEN
            charge := 'refused';
            reason := 'completed already with ' || was_paid || ' credits; charged once';
        ELSIF paid THEN
            charge := 'kept';
        END IF;
    END IF;
    IF reason IS NOT NULL THEN
        INSERT INTO task_refusals (task_id, kind, from_state, to_state, credits, reason, refused_by, refused_at)
        VALUES (saved_task, CASE WHEN outcome = 'refused' THEN 'transition' ELSE 'charge' END, state_now, to_state,
            coalesce(asked, credits_now), reason, who, at);
    END IF;
END $$;
CREATE TABLE agent_ranking (
    date date NOT NULL,
    agent_id text NOT NULL,
    "position" integer NOT NULL,
    calls bigint NOT NULL,
    connected bigint NOT NULL,
    talk_s bigint NOT NULL,
    grade_9 bigint NOT NULL,
    grade_1 bigint NOT NULL,
    orders bigint NOT NULL
);
CREATE TABLE alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE alert_conditions (
    name text NOT NULL,
    failing boolean NOT NULL,
    severity text NOT NULL,
    event bigint NOT NULL,
    announced_event bigint,
    announced_at timestamp with time zone NOT NULL
);
CREATE TABLE alert_deliveries (
    alert_id bigint NOT NULL,
    channel text NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    CONSTRAINT ck_alert_deliveries_state CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'delivered'::text, 'failed'::text])))
);
CREATE TABLE alerts (
    id bigint NOT NULL,
    key text NOT NULL,
    severity text NOT NULL,
    room text NOT NULL,
    title text NOT NULL,
    text text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_alerts_severity CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'error'::text])))
);
ALTER TABLE alerts ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME alerts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE call_batches (
    id bigint NOT NULL,
    key text NOT NULL,
    calling_task_id integer NOT NULL,
    task_name text NOT NULL,
    day date NOT NULL,
    tick_at timestamp with time zone,
    state text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    source text NOT NULL,
    recall_days integer,
    rate_per_s double precision,
    policy jsonb NOT NULL,
    card jsonb NOT NULL,
    runner uuid,
    planned_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    resume_at timestamp with time zone,
    CONSTRAINT ck_call_batches_state CHECK ((state = ANY (ARRAY['planned'::text, 'running'::text, 'waiting'::text, 'paused'::text, 'cancelled'::text, 'completed'::text])))
);
COMMENT ON TABLE call_batches IS 'One execution of a calling task';
COMMENT ON COLUMN call_batches.key IS 'task and tick: one tick is planned once';
COMMENT ON COLUMN call_batches.day IS 'daily partition';
COMMENT ON COLUMN call_batches.tick_at IS 'null: started by hand';
COMMENT ON COLUMN call_batches.runner IS 'fencing: only this runner may claim';
COMMENT ON COLUMN call_batches.resume_at IS 'when a waiting batch goes on';
ALTER TABLE call_batches ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME call_batches_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE call_callbacks (
    id bigint NOT NULL,
    config_id bigint NOT NULL,
    body_digest bytea NOT NULL,
    call_uuid text NOT NULL,
    reference text NOT NULL,
    state text NOT NULL,
    duration_s integer NOT NULL,
    contact_result text NOT NULL,
    remark text NOT NULL,
    recording_url text,
    signed_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    repeats integer DEFAULT 0 NOT NULL,
    record_id bigint
);
COMMENT ON COLUMN call_callbacks.body_digest IS 'SHA-256 of the raw body: a replay has the same';
COMMENT ON COLUMN call_callbacks.reference IS 'our customuuid, when custom_params carried it';
COMMENT ON COLUMN call_callbacks.record_id IS 'null: call not known (yet)';
ALTER TABLE call_callbacks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME call_callbacks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE call_history (
    phone text NOT NULL COLLATE pg_catalog."C",
    first_called_at timestamp with time zone NOT NULL,
    last_called_at timestamp with time zone NOT NULL,
    calls integer NOT NULL,
    last_batch_id bigint NOT NULL,
    last_call_task_id bigint NOT NULL
);
COMMENT ON TABLE call_history IS 'One row a phone ever called';
CREATE TABLE call_log (
    id bigint NOT NULL,
    call_task_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    phone text NOT NULL COLLATE pg_catalog."C",
    distinct_id text NOT NULL,
    attempt smallint NOT NULL,
    outcome text NOT NULL,
    resp_code text DEFAULT ''::text NOT NULL,
    message text DEFAULT ''::text NOT NULL,
    http_status smallint,
    sent_at timestamp with time zone,
    answered_at timestamp with time zone,
    recorded_at timestamp with time zone NOT NULL,
    recorded_by text DEFAULT ''::text NOT NULL,
    CONSTRAINT ck_call_log_outcome CHECK ((outcome = ANY (ARRAY['pushed'::text, 'refused'::text, 'failed'::text, 'not_sent'::text, 'unknown'::text, 'settled_pushed'::text, 'settled_retry'::text])))
);
COMMENT ON TABLE call_log IS 'Every push attempt and every settlement; rows are only ever added';
ALTER TABLE call_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME call_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE call_records (
    id bigint NOT NULL,
    date date NOT NULL,
    called_at timestamp with time zone NOT NULL,
    call_state smallint,
    duration_s integer NOT NULL,
    grade text,
    order_yuan smallint NOT NULL,
    agent_id text NOT NULL,
    task_id text,
    task_name text,
    line_name text,
    phone_masked text NOT NULL,
    phone_hash bytea,
    hangup_reason text,
    province text,
    city text,
    CONSTRAINT ck_call_records_call_state_is_known CHECK (((call_state >= 0) AND (call_state <= 2))),
    CONSTRAINT ck_call_records_duration_is_not_negative CHECK ((duration_s >= 0)),
    CONSTRAINT ck_call_records_order_yuan_is_known CHECK ((order_yuan = ANY (ARRAY[0, 1, 9])))
);
CREATE TABLE call_tasks (
    id bigint NOT NULL,
    batch_id bigint NOT NULL,
    source_row integer NOT NULL,
    phone text COLLATE pg_catalog."C",
    raw text,
    staff_name text,
    sys_name text,
    order_type text,
    order_nums integer,
    state text NOT NULL,
    reason text,
    distinct_id text,
    attempts smallint DEFAULT '0'::smallint NOT NULL,
    not_before timestamp with time zone,
    claim uuid,
    claimed_at timestamp with time zone,
    resp_code text,
    CONSTRAINT ck_call_tasks_phone CHECK (((state = 'skipped'::text) OR (phone IS NOT NULL))),
    CONSTRAINT ck_call_tasks_skip_reason CHECK (((state <> 'skipped'::text) OR (reason IS NOT NULL))),
    CONSTRAINT ck_call_tasks_state CHECK ((state = ANY (ARRAY['pending'::text, 'pushing'::text, 'pushed'::text, 'refused'::text, 'failed'::text, 'unknown'::text, 'skipped'::text])))
);
COMMENT ON TABLE call_tasks IS 'One source row of a batch and what became of it';
COMMENT ON COLUMN call_tasks.source_row IS 'position in the source table when it was planned';
COMMENT ON COLUMN call_tasks.phone IS 'canonical; null when there is none';
COMMENT ON COLUMN call_tasks.raw IS 'the source''s spelling where it differs';
COMMENT ON COLUMN call_tasks.reason IS 'why it was skipped, refused or failed';
COMMENT ON COLUMN call_tasks.distinct_id IS 'the gateway''s key, given at the first claim and never changed';
COMMENT ON COLUMN call_tasks.attempts IS 'claims so far';
COMMENT ON COLUMN call_tasks.claim IS 'the claim that holds it, or held it last';
ALTER TABLE call_tasks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME call_tasks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE calling_tasks (
    id integer NOT NULL,
    name text NOT NULL,
    cron text NOT NULL,
    source_schema text NOT NULL,
    source_table text NOT NULL,
    mobile_phone text NOT NULL,
    staff_name text,
    sys_name text,
    order_type text,
    order_nums text,
    enabled boolean NOT NULL,
    remark text DEFAULT ''::text NOT NULL,
    recall_days integer,
    rate_per_s double precision,
    policy jsonb DEFAULT '{}'::jsonb NOT NULL,
    ticks_from timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_calling_tasks_rate_per_s CHECK ((rate_per_s > (0)::double precision)),
    CONSTRAINT ck_calling_tasks_recall_days CHECK ((recall_days >= 0))
);
COMMENT ON TABLE calling_tasks IS 'What is called, when, and by which rules';
COMMENT ON COLUMN calling_tasks.cron IS '5 fields, or 6 with seconds first; Asia/Shanghai';
COMMENT ON COLUMN calling_tasks.mobile_phone IS 'column of the source table, as are the next four';
COMMENT ON COLUMN calling_tasks.recall_days IS 'null: never again';
COMMENT ON COLUMN calling_tasks.rate_per_s IS 'null: the setting''s';
COMMENT ON COLUMN calling_tasks.ticks_from IS 'no tick before this instant is ever due';
ALTER TABLE calling_tasks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME calling_tasks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE collectors (
    tenant_id bigint NOT NULL,
    id bigint NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    callback_number_sealed bytea NOT NULL,
    callback_number_masked text NOT NULL,
    active boolean DEFAULT true NOT NULL,
    extension_id bigint,
    fence bigint DEFAULT '0'::bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');
COMMENT ON COLUMN collectors.extension_id IS 'the extension used last';
COMMENT ON COLUMN collectors.fence IS 'token of the last allocation';
CREATE TABLE communication_records (
    id bigint NOT NULL,
    reference text NOT NULL,
    tenant_id bigint NOT NULL,
    config_id bigint NOT NULL,
    collector_id bigint NOT NULL,
    extension_id bigint NOT NULL,
    extension_number text NOT NULL,
    fence bigint NOT NULL,
    case_id text DEFAULT ''::text NOT NULL,
    customer_id text DEFAULT ''::text NOT NULL,
    destination_masked text NOT NULL,
    destination_hash bytea NOT NULL,
    caller_number text,
    state text NOT NULL,
    call_uuid text,
    started_at timestamp with time zone NOT NULL,
    called_at timestamp with time zone,
    deadline timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    settled_at timestamp with time zone,
    settled_by text,
    duration_s integer,
    contact_result text,
    remark text,
    failure_code text,
    failure text,
    recording_file text,
    recording_url text,
    callback_delay_s double precision,
    billed_at timestamp with time zone,
    CONSTRAINT ck_communication_records_final_states_are_settled CHECK (((state = ANY (ARRAY['initiating'::text, 'ringing'::text, 'unknown'::text])) = (settled_at IS NULL))),
    CONSTRAINT ck_communication_records_state CHECK ((state = ANY (ARRAY['initiating'::text, 'ringing'::text, 'connected'::text, 'not_connected'::text, 'busy'::text, 'cancelled'::text, 'failed'::text, 'unknown'::text]))),
    CONSTRAINT ck_communication_records_under_way_is_open CHECK (((state <> ALL (ARRAY['initiating'::text, 'ringing'::text])) OR (closed_at IS NULL)))
);
COMMENT ON COLUMN communication_records.reference IS 'our id of the call, sent as customuuid';
COMMENT ON COLUMN communication_records.called_at IS 'MakeCall was answered';
COMMENT ON COLUMN communication_records.deadline IS 'from then on the sweep asks Infinity';
COMMENT ON COLUMN communication_records.closed_at IS 'the extension was given back';
COMMENT ON COLUMN communication_records.settled_at IS 'the final state became known';
ALTER TABLE communication_records ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME communication_records_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE contact_attempts (
    id bigint NOT NULL,
    phone text NOT NULL COLLATE pg_catalog."C",
    room text NOT NULL,
    reference text NOT NULL COLLATE pg_catalog."C",
    caller text,
    tenant integer,
    at timestamp with time zone NOT NULL
);
COMMENT ON TABLE contact_attempts IS 'Every attempt that was allowed, answered or not; what the caps count';
ALTER TABLE contact_attempts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME contact_attempts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE contact_holidays (
    day date NOT NULL,
    name text NOT NULL
);
COMMENT ON TABLE contact_holidays IS 'Days on which policies that are closed on holidays allow nothing';
CREATE TABLE contract_ledgers (
    csv_file text NOT NULL,
    content bytea NOT NULL,
    digest bytea NOT NULL,
    encoding text NOT NULL,
    rows integer NOT NULL,
    parked jsonb NOT NULL,
    read_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE contract_ledgers IS 'Contract ledgers as last read, so that a lost file can be made again';
COMMENT ON COLUMN contract_ledgers.content IS 'the file, byte by byte, as last read';
COMMENT ON COLUMN contract_ledgers.parked IS 'lines that could not be used: line, reason, contract id';
CREATE TABLE contract_messages (
    id bigint NOT NULL,
    kind text NOT NULL,
    receiver text NOT NULL,
    body text NOT NULL,
    cut_bytes integer NOT NULL,
    metadata jsonb NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    failures integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    dispatcher bigint,
    claimed_at timestamp with time zone,
    settled_at timestamp with time zone,
    alerted_at timestamp with time zone,
    last_error text,
    history jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    contract_id text GENERATED ALWAYS AS ((metadata ->> 'contract_id'::text)) STORED NOT NULL,
    CONSTRAINT ck_contract_messages_body_fits CHECK ((octet_length(body) <= 2048)),
    CONSTRAINT ck_contract_messages_kind CHECK ((kind = ANY (ARRAY['send_wecom_message'::text, 'send_wechat_message'::text]))),
    CONSTRAINT ck_contract_messages_receiver CHECK ((receiver ~ '^(robot|user):.'::text)),
    CONSTRAINT ck_contract_messages_state CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'delivered'::text, 'unknown'::text, 'dead'::text, 'abandoned'::text])))
);
COMMENT ON TABLE contract_messages IS 'Messages about contracts: group and award message, at most one of each a contract';
COMMENT ON COLUMN contract_messages.receiver IS 'robot:GROUP or user:CONTACT';
COMMENT ON COLUMN contract_messages.cut_bytes IS 'bytes cut off to fit the vendor''s limit';
COMMENT ON COLUMN contract_messages.attempts IS 'times it was claimed; fences late outcomes';
COMMENT ON COLUMN contract_messages.failures IS 'attempts that count towards giving up';
COMMENT ON COLUMN contract_messages.dispatcher IS 'who claimed it last';
COMMENT ON COLUMN contract_messages.settled_at IS 'when it was delivered, given up or abandoned';
COMMENT ON COLUMN contract_messages.alerted_at IS 'when people were told that it is held';
COMMENT ON COLUMN contract_messages.history IS 'every outcome but delivery, and every decision by hand';
ALTER TABLE contract_messages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME contract_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE contract_rows (
    csv_file text NOT NULL,
    contract_id text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    notified_before boolean NOT NULL
);
COMMENT ON TABLE contract_rows IS 'When each contract was first seen in a ledger';
COMMENT ON COLUMN contract_rows.notified_before IS 'it said Y when it was first seen';
CREATE TABLE do_not_call (
    phone text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL,
    expires_at timestamp with time zone,
    note text DEFAULT ''::text NOT NULL,
    added_by text DEFAULT ''::text NOT NULL,
    added_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE do_not_call IS 'Numbers nobody may contact, one row a source; without expires_at for ever';
CREATE TABLE extension_pool (
    id bigint NOT NULL,
    config_id bigint NOT NULL,
    number text NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'available'::text NOT NULL,
    holder bigint,
    fence bigint DEFAULT '0'::bigint NOT NULL,
    released_turn bigint DEFAULT '0'::bigint NOT NULL,
    ready_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    lent_at timestamp with time zone,
    lease_until timestamp with time zone,
    last_used_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    draining boolean DEFAULT false NOT NULL,
    offline_reason text DEFAULT ''::text NOT NULL,
    quarantined_until timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_extension_pool_state CHECK ((num_nonnulls(holder, lease_until) =
CASE state
    WHEN 'in_use'::text THEN 2
    WHEN 'available'::text THEN 0
    WHEN 'offline'::text THEN 0
    ELSE '-1'::integer
END))
)
WITH (fillfactor='40');
ALTER TABLE extension_pool ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME extension_pool_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW extension_statistics AS
SELECT
    NULL::bigint AS tenant_id,
    NULL::bigint AS config_id,
    NULL::text AS config_name,
    NULL::boolean AS enabled,
    NULL::integer AS max_concurrent_calls,
    NULL::bigint AS total,
    NULL::bigint AS available,
    NULL::bigint AS in_use,
    NULL::bigint AS offline,
    NULL::bigint AS quarantined,
    NULL::bigint AS draining,
    NULL::timestamp with time zone AS last_used_at;
CREATE SEQUENCE extension_turns
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE extension_utilisation (
    config_id bigint NOT NULL,
    taken_at timestamp with time zone NOT NULL,
    tenant_id bigint NOT NULL,
    total integer NOT NULL,
    in_use integer NOT NULL,
    available integer NOT NULL,
    cooling_down integer NOT NULL,
    offline integer NOT NULL,
    quarantined integer NOT NULL,
    utilisation_pct numeric(5,2) NOT NULL
);
CREATE SEQUENCE fetch_numbers
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE fetch_proofs (
    fetch_number bigint NOT NULL,
    track text NOT NULL,
    date date NOT NULL,
    mode text NOT NULL,
    sync_type text NOT NULL,
    window_start timestamp with time zone NOT NULL,
    window_end timestamp with time zone NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    reported_total bigint NOT NULL,
    rows_fetched bigint NOT NULL,
    distinct_ids bigint NOT NULL,
    pages integer NOT NULL,
    pages_read_again integer NOT NULL,
    retries integer NOT NULL,
    elapsed_s double precision NOT NULL,
    rows_added bigint NOT NULL,
    rows_changed bigint NOT NULL,
    rows_removed bigint NOT NULL,
    late_rows bigint NOT NULL,
    outside_day bigint NOT NULL,
    unknown_grades jsonb NOT NULL,
    new_fields jsonb NOT NULL,
    missing_fields jsonb NOT NULL,
    run_id text NOT NULL,
    CONSTRAINT ck_fetch_proofs_mode_is_known CHECK ((mode = ANY (ARRAY['full'::text, 'incremental'::text]))),
    CONSTRAINT ck_fetch_proofs_track_is_known CHECK ((track = ANY (ARRAY['task'::text, 'grade'::text])))
);
CREATE TABLE gateway_ids (
    single boolean NOT NULL,
    last_slot bigint NOT NULL,
    CONSTRAINT ck_gateway_ids_single CHECK (single)
);
COMMENT ON TABLE gateway_ids IS 'The last distinct_id given out, one row';
COMMENT ON COLUMN gateway_ids.last_slot IS 'milliseconds since 1970 of the last distinct_id';
CREATE TABLE grade_stats_cache (
    date date NOT NULL,
    grade_9 bigint NOT NULL,
    grade_1 bigint NOT NULL,
    total_success bigint NOT NULL,
    total_records bigint NOT NULL,
    calculated_at timestamp with time zone NOT NULL,
    elapsed_time double precision NOT NULL,
    sync_type text NOT NULL,
    fetch_number bigint NOT NULL,
    CONSTRAINT ck_grade_stats_cache_orders_within_records CHECK (((grade_9 >= 0) AND (grade_1 >= 0) AND (total_success <= total_records))),
    CONSTRAINT ck_grade_stats_cache_total_success_is_the_sum CHECK ((total_success = (grade_9 + grade_1)))
);
CREATE TABLE hourly_orders (
    date date NOT NULL,
    hour smallint NOT NULL,
    calls bigint NOT NULL,
    connected bigint NOT NULL,
    grade_9 bigint NOT NULL,
    grade_1 bigint NOT NULL,
    orders bigint NOT NULL,
    CONSTRAINT ck_hourly_orders_hour_of_the_day CHECK (((hour >= 0) AND (hour <= 23)))
);
CREATE TABLE infinity_bill_days (
    config_id bigint NOT NULL,
    day date NOT NULL,
    reported integer NOT NULL,
    fetched integer NOT NULL,
    fetched_at timestamp with time zone NOT NULL
);
CREATE TABLE infinity_bills (
    config_id bigint NOT NULL,
    call_uuid text NOT NULL,
    day date NOT NULL,
    extension_number text NOT NULL,
    destination_masked text NOT NULL,
    destination_hash bytea NOT NULL,
    started_at timestamp with time zone NOT NULL,
    duration_s integer NOT NULL,
    hangup text NOT NULL,
    state text NOT NULL,
    recording_file text,
    fetched_at timestamp with time zone NOT NULL,
    record_id bigint
);
COMMENT ON COLUMN infinity_bills.state IS 'the state the bill tells';
COMMENT ON COLUMN infinity_bills.record_id IS 'null: a call we do not know';
CREATE TABLE infinity_configs (
    id bigint NOT NULL,
    tenant_id bigint NOT NULL,
    name text NOT NULL,
    api_url text NOT NULL,
    app_id text NOT NULL,
    access_key_sealed bytea,
    callback_secret_sealed bytea,
    previous_secret_sealed bytea,
    previous_secret_until timestamp with time zone,
    enabled boolean NOT NULL,
    strategy text NOT NULL,
    max_concurrent_calls integer NOT NULL,
    ring_timeout_s integer NOT NULL,
    cool_down_s integer NOT NULL,
    quarantine_after integer NOT NULL,
    quarantine_s integer NOT NULL,
    caller_numbers text[] NOT NULL,
    caller_range_start text,
    caller_range_end text,
    caller_turn bigint DEFAULT '0'::bigint NOT NULL,
    contact_rules jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT ck_infinity_configs_max_concurrent_calls CHECK (((max_concurrent_calls >= 1) AND (max_concurrent_calls <= 1000))),
    CONSTRAINT ck_infinity_configs_ring_timeout_s CHECK (((ring_timeout_s >= 10) AND (ring_timeout_s <= 300))),
    CONSTRAINT ck_infinity_configs_strategy CHECK ((strategy = ANY (ARRAY['lru'::text, 'round_robin'::text, 'affinity'::text]))),
    CONSTRAINT ck_infinity_configs_waits CHECK (((cool_down_s >= 0) AND (quarantine_after >= 0) AND (quarantine_s >= 0)))
);
ALTER TABLE infinity_configs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME infinity_configs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE notification_lanes (
    receiver text NOT NULL,
    recent timestamp with time zone[] NOT NULL
);
COMMENT ON TABLE notification_lanes IS 'One row a receiver: whoever claims his next message locks it';
COMMENT ON COLUMN notification_lanes.recent IS 'claims of the last minute, for the robot''s rate';
CREATE TABLE task_charges (
    charged_act text NOT NULL,
    task_id text NOT NULL,
    feature text NOT NULL,
    credits bigint NOT NULL,
    charged_at timestamp with time zone NOT NULL,
    charged_by text NOT NULL,
    CONSTRAINT ck_task_charges_credits_positive CHECK ((credits > 0))
);
COMMENT ON TABLE task_charges IS 'Credits charged, once an act';
CREATE TABLE task_ledger (
    task_id text NOT NULL,
    feature text NOT NULL,
    state text NOT NULL,
    credits bigint NOT NULL,
    free boolean NOT NULL,
    charged_act text NOT NULL,
    details jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    updated_by text NOT NULL,
    finished_at timestamp with time zone,
    saves bigint NOT NULL,
    last_outcome text NOT NULL,
    CONSTRAINT ck_task_ledger_sound CHECK (((task_id <> ''::text) AND (credits >= 0) AND
CASE state
    WHEN 'pending'::text THEN (finished_at IS NULL)
    WHEN 'completed'::text THEN (finished_at IS NOT NULL)
    WHEN 'failed'::text THEN (finished_at IS NOT NULL)
    ELSE false
END))
)
WITH (fillfactor='70');
COMMENT ON TABLE task_ledger IS 'Every unit of work, one row a task id; never goes backwards';
COMMENT ON COLUMN task_ledger.charged_act IS 'key under which its completion is charged';
COMMENT ON COLUMN task_ledger.updated_at IS 'when a save last changed something';
COMMENT ON COLUMN task_ledger.finished_at IS 'when it became completed or failed';
COMMENT ON COLUMN task_ledger.saves IS 'saves received, refused and repeated ones included';
COMMENT ON COLUMN task_ledger.last_outcome IS 'what the last save did';
CREATE TABLE task_refusals (
    id bigint NOT NULL,
    task_id text NOT NULL,
    kind text NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    credits bigint NOT NULL,
    reason text NOT NULL,
    refused_by text NOT NULL,
    refused_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_task_refusals_kind CHECK ((kind = ANY (ARRAY['transition'::text, 'charge'::text])))
);
COMMENT ON TABLE task_refusals IS 'Refused moves and refused charges, with who, when and why; append-only';
COMMENT ON COLUMN task_refusals.credits IS 'credits the refused save asked for';
COMMENT ON COLUMN task_refusals.refused_by IS 'who asked for it';
ALTER TABLE task_refusals ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME task_refusals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE task_stats_cache (
    date date NOT NULL,
    total_tasks bigint NOT NULL,
    callout_number bigint NOT NULL,
    called_number bigint NOT NULL,
    success_number bigint NOT NULL,
    connected_rate numeric(7,2) NOT NULL,
    calculated_at timestamp with time zone NOT NULL,
    sync_type text NOT NULL,
    fetch_number bigint NOT NULL,
    CONSTRAINT ck_task_stats_cache_counts_are_not_negative CHECK (((total_tasks >= 0) AND (callout_number >= 0) AND (called_number >= 0) AND (success_number >= 0)))
);
CREATE TABLE task_usage (
    date date NOT NULL,
    feature text NOT NULL,
    created bigint NOT NULL,
    completed bigint NOT NULL,
    failed bigint NOT NULL,
    pending bigint NOT NULL,
    charges bigint NOT NULL,
    credits bigint NOT NULL,
    refusals bigint NOT NULL,
    calculated_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE task_usage IS 'Tasks and credits by day and feature';
COMMENT ON COLUMN task_usage.pending IS 'created that day and still open when this was counted';
CREATE TABLE technician_messages (
    id bigint NOT NULL,
    kind text NOT NULL,
    receiver text NOT NULL,
    body text NOT NULL,
    cut_bytes integer NOT NULL,
    metadata jsonb NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    failures integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    dispatcher bigint,
    claimed_at timestamp with time zone,
    settled_at timestamp with time zone,
    alerted_at timestamp with time zone,
    last_error text,
    history jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    change_id text NOT NULL,
    CONSTRAINT ck_technician_messages_body_fits CHECK ((octet_length(body) <= 2048)),
    CONSTRAINT ck_technician_messages_kind CHECK ((kind = ANY (ARRAY['company'::text, 'robot'::text]))),
    CONSTRAINT ck_technician_messages_receiver CHECK ((receiver ~ '^(robot|user):.'::text)),
    CONSTRAINT ck_technician_messages_state CHECK ((state = ANY (ARRAY['pending'::text, 'sending'::text, 'delivered'::text, 'unknown'::text, 'dead'::text, 'abandoned'::text])))
);
COMMENT ON TABLE technician_messages IS 'Messages about technicians'' status changes: one to the company, one to the robot';
COMMENT ON COLUMN technician_messages.receiver IS 'robot:GROUP or user:CONTACT';
COMMENT ON COLUMN technician_messages.cut_bytes IS 'bytes cut off to fit the vendor''s limit';
COMMENT ON COLUMN technician_messages.attempts IS 'times it was claimed; fences late outcomes';
COMMENT ON COLUMN technician_messages.failures IS 'attempts that count towards giving up';
COMMENT ON COLUMN technician_messages.dispatcher IS 'who claimed it last';
COMMENT ON COLUMN technician_messages.settled_at IS 'when it was delivered, given up or abandoned';
COMMENT ON COLUMN technician_messages.alerted_at IS 'when people were told that it is held';
COMMENT ON COLUMN technician_messages.history IS 'every outcome but delivery, and every decision by hand';
ALTER TABLE technician_messages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME technician_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE telephony_audit (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    who text NOT NULL,
    tenant_id bigint NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before jsonb,
    after jsonb
);
ALTER TABLE telephony_audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME telephony_audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE vendor_credentials (
    name text NOT NULL,
    sealed bytea NOT NULL,
    version bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    obtained_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE vendor_credentials IS 'Tokens that vendors lend us; `database/credentials.py` is their only reader and writer';
COMMENT ON COLUMN vendor_credentials.sealed IS 'the token, encrypted for this name';
COMMENT ON COLUMN vendor_credentials.version IS 'grows with every token stored';
ALTER TABLE ONLY alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY alert_conditions
    ADD CONSTRAINT alert_conditions_pkey PRIMARY KEY (name);
ALTER TABLE ONLY alert_deliveries
    ADD CONSTRAINT alert_deliveries_pkey PRIMARY KEY (alert_id, channel);
ALTER TABLE ONLY alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY agent_ranking
    ADD CONSTRAINT pk_agent_ranking PRIMARY KEY (date, agent_id);
ALTER TABLE ONLY call_batches
    ADD CONSTRAINT pk_call_batches PRIMARY KEY (id);
ALTER TABLE ONLY call_callbacks
    ADD CONSTRAINT pk_call_callbacks PRIMARY KEY (id);
ALTER TABLE ONLY call_history
    ADD CONSTRAINT pk_call_history PRIMARY KEY (phone);
ALTER TABLE ONLY call_log
    ADD CONSTRAINT pk_call_log PRIMARY KEY (id);
ALTER TABLE ONLY call_records
    ADD CONSTRAINT pk_call_records PRIMARY KEY (id);
ALTER TABLE ONLY call_tasks
    ADD CONSTRAINT pk_call_tasks PRIMARY KEY (id);
ALTER TABLE ONLY calling_tasks
    ADD CONSTRAINT pk_calling_tasks PRIMARY KEY (id);
ALTER TABLE ONLY collectors
    ADD CONSTRAINT pk_collectors PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY communication_records
    ADD CONSTRAINT pk_communication_records PRIMARY KEY (id);
ALTER TABLE ONLY contact_attempts
    ADD CONSTRAINT pk_contact_attempts PRIMARY KEY (id);
ALTER TABLE ONLY contact_holidays
    ADD CONSTRAINT pk_contact_holidays PRIMARY KEY (day);
ALTER TABLE ONLY contract_ledgers
    ADD CONSTRAINT pk_contract_ledgers PRIMARY KEY (csv_file);
ALTER TABLE ONLY contract_messages
    ADD CONSTRAINT pk_contract_messages PRIMARY KEY (id);
ALTER TABLE ONLY contract_rows
    ADD CONSTRAINT pk_contract_rows PRIMARY KEY (csv_file, contract_id);
ALTER TABLE ONLY do_not_call
    ADD CONSTRAINT pk_do_not_call PRIMARY KEY (phone, source);
ALTER TABLE ONLY extension_pool
    ADD CONSTRAINT pk_extension_pool PRIMARY KEY (id);
ALTER TABLE ONLY extension_utilisation
    ADD CONSTRAINT pk_extension_utilisation PRIMARY KEY (config_id, taken_at);
ALTER TABLE ONLY fetch_proofs
    ADD CONSTRAINT pk_fetch_proofs PRIMARY KEY (fetch_number);
ALTER TABLE ONLY gateway_ids
    ADD CONSTRAINT pk_gateway_ids PRIMARY KEY (single);
ALTER TABLE ONLY grade_stats_cache
    ADD CONSTRAINT pk_grade_stats_cache PRIMARY KEY (date);
ALTER TABLE ONLY hourly_orders
    ADD CONSTRAINT pk_hourly_orders PRIMARY KEY (date, hour);
ALTER TABLE ONLY infinity_bill_days
    ADD CONSTRAINT pk_infinity_bill_days PRIMARY KEY (config_id, day);
ALTER TABLE ONLY infinity_bills
    ADD CONSTRAINT pk_infinity_bills PRIMARY KEY (config_id, call_uuid);
ALTER TABLE ONLY infinity_configs
    ADD CONSTRAINT pk_infinity_configs PRIMARY KEY (id);
ALTER TABLE ONLY notification_lanes
    ADD CONSTRAINT pk_notification_lanes PRIMARY KEY (receiver);
ALTER TABLE ONLY task_charges
    ADD CONSTRAINT pk_task_charges PRIMARY KEY (charged_act);
ALTER TABLE ONLY task_ledger
    ADD CONSTRAINT pk_task_ledger PRIMARY KEY (task_id);
ALTER TABLE ONLY task_refusals
    ADD CONSTRAINT pk_task_refusals PRIMARY KEY (id);
ALTER TABLE ONLY task_stats_cache
    ADD CONSTRAINT pk_task_stats_cache PRIMARY KEY (date);
ALTER TABLE ONLY task_usage
    ADD CONSTRAINT pk_task_usage PRIMARY KEY (date, feature);
ALTER TABLE ONLY technician_messages
    ADD CONSTRAINT pk_technician_messages PRIMARY KEY (id);
ALTER TABLE ONLY telephony_audit
    ADD CONSTRAINT pk_telephony_audit PRIMARY KEY (id);
ALTER TABLE ONLY vendor_credentials
    ADD CONSTRAINT pk_vendor_credentials PRIMARY KEY (name);
ALTER TABLE ONLY alerts
    ADD CONSTRAINT uq_alerts_key UNIQUE (key);
ALTER TABLE ONLY call_batches
    ADD CONSTRAINT uq_call_batches_key UNIQUE (key);
ALTER TABLE ONLY call_callbacks
    ADD CONSTRAINT uq_call_callbacks_body UNIQUE (config_id, body_digest);
ALTER TABLE ONLY call_log
    ADD CONSTRAINT uq_call_log_attempt_outcome UNIQUE (call_task_id, attempt, outcome);
ALTER TABLE ONLY calling_tasks
    ADD CONSTRAINT uq_calling_tasks_name UNIQUE (name);
ALTER TABLE ONLY communication_records
    ADD CONSTRAINT uq_communication_records_call_uuid UNIQUE (call_uuid, config_id);
ALTER TABLE ONLY communication_records
    ADD CONSTRAINT uq_communication_records_reference UNIQUE (reference);
ALTER TABLE ONLY contact_attempts
    ADD CONSTRAINT uq_contact_attempts_room_reference UNIQUE (room, reference);
ALTER TABLE ONLY contract_messages
    ADD CONSTRAINT uq_contract_messages_contract_id_kind UNIQUE (contract_id, kind);
ALTER TABLE ONLY extension_pool
    ADD CONSTRAINT uq_extension_pool_number UNIQUE (config_id, number);
ALTER TABLE ONLY task_charges
    ADD CONSTRAINT uq_task_charges_task_id UNIQUE (task_id);
ALTER TABLE ONLY technician_messages
    ADD CONSTRAINT uq_technician_messages_change_id_kind UNIQUE (change_id, kind);
CREATE INDEX ix_alert_deliveries_due_at ON alert_deliveries USING btree (due_at) WHERE (state = ANY (ARRAY['pending'::text, 'sending'::text]));
CREATE INDEX ix_alerts_created_at ON alerts USING btree (created_at);
CREATE INDEX ix_call_batches_day ON call_batches USING btree (day);
CREATE INDEX ix_call_callbacks_received_at ON call_callbacks USING btree (received_at);
CREATE INDEX ix_call_callbacks_unmatched ON call_callbacks USING btree (config_id, call_uuid) WHERE (record_id IS NULL);
CREATE INDEX ix_call_log_batch_id ON call_log USING btree (batch_id);
CREATE INDEX ix_call_log_phone_recorded_at ON call_log USING btree (phone, recorded_at);
CREATE INDEX ix_call_records_date ON call_records USING btree (date);
CREATE INDEX ix_call_tasks_batch ON call_tasks USING brin (batch_id) WITH (autosummarize='on');
CREATE INDEX ix_call_tasks_in_flight ON call_tasks USING btree (batch_id, state) WHERE (state = ANY (ARRAY['pushing'::text, 'unknown'::text]));
CREATE INDEX ix_call_tasks_pending ON call_tasks USING btree (batch_id, source_row) WHERE (state = 'pending'::text);
CREATE INDEX ix_communication_records_deadline ON communication_records USING btree (deadline) WHERE (closed_at IS NULL);
CREATE INDEX ix_communication_records_started_at ON communication_records USING btree (started_at);
CREATE INDEX ix_communication_records_tenant ON communication_records USING btree (tenant_id, id);
CREATE INDEX ix_contact_attempts_at ON contact_attempts USING brin (at);
CREATE INDEX ix_contact_attempts_phone_at ON contact_attempts USING btree (phone, at);
CREATE INDEX ix_contract_messages_held ON contract_messages USING btree (id) WHERE (state = ANY (ARRAY['unknown'::text, 'dead'::text]));
CREATE INDEX ix_contract_messages_lane ON contract_messages USING btree (receiver, id) WHERE (state = ANY (ARRAY['pending'::text, 'sending'::text]));
CREATE INDEX ix_contract_rows_first_seen_at ON contract_rows USING btree (first_seen_at);
CREATE INDEX ix_fetch_proofs_track_date ON fetch_proofs USING btree (track, date, fetch_number);
CREATE INDEX ix_infinity_bills_day ON infinity_bills USING btree (day, config_id);
CREATE INDEX ix_task_charges_charged_at ON task_charges USING brin (charged_at);
CREATE INDEX ix_task_ledger_created_at ON task_ledger USING btree (created_at);
CREATE INDEX ix_task_ledger_finished_at ON task_ledger USING brin (finished_at);
CREATE INDEX ix_task_refusals_refused_at ON task_refusals USING btree (refused_at);
CREATE INDEX ix_task_refusals_task_id ON task_refusals USING btree (task_id);
CREATE INDEX ix_technician_messages_held ON technician_messages USING btree (id) WHERE (state = ANY (ARRAY['unknown'::text, 'dead'::text]));
CREATE INDEX ix_technician_messages_lane ON technician_messages USING btree (receiver, id) WHERE (state = ANY (ARRAY['pending'::text, 'sending'::text]));
CREATE INDEX ix_telephony_audit_tenant ON telephony_audit USING btree (tenant_id, id);
CREATE UNIQUE INDEX uq_call_tasks_distinct_id ON call_tasks USING btree (distinct_id) WHERE (distinct_id IS NOT NULL);
CREATE UNIQUE INDEX uq_call_tasks_open_phone ON call_tasks USING btree (phone) WHERE (state = ANY (ARRAY['pending'::text, 'pushing'::text, 'unknown'::text]));
CREATE UNIQUE INDEX uq_communication_records_open_collector ON communication_records USING btree (tenant_id, collector_id) WHERE (closed_at IS NULL);
CREATE UNIQUE INDEX uq_communication_records_open_extension ON communication_records USING btree (extension_id) WHERE (closed_at IS NULL);
CREATE UNIQUE INDEX uq_contract_messages_one_in_flight_a_receiver ON contract_messages USING btree (receiver) WHERE (state = 'sending'::text);
CREATE UNIQUE INDEX uq_infinity_configs_enabled ON infinity_configs USING btree (tenant_id) WHERE enabled;
CREATE UNIQUE INDEX uq_infinity_configs_name ON infinity_configs USING btree (tenant_id, name) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX uq_technician_messages_one_in_flight_a_receiver ON technician_messages USING btree (receiver) WHERE (state = 'sending'::text);
CREATE OR REPLACE VIEW extension_statistics AS
 SELECT c.tenant_id,
    c.id AS config_id,
    c.name AS config_name,
    c.enabled,
    c.max_concurrent_calls,
    count(e.id) AS total,
    count(e.id) FILTER (WHERE (e.state = 'available'::text)) AS available,
    count(e.id) FILTER (WHERE (e.state = 'in_use'::text)) AS in_use,
    count(e.id) FILTER (WHERE (e.state = 'offline'::text)) AS offline,
    count(e.id) FILTER (WHERE ((e.state = 'offline'::text) AND (e.offline_reason ~~ 'quarantine%'::text))) AS quarantined,
    count(e.id) FILTER (WHERE e.draining) AS draining,
    max(e.last_used_at) AS last_used_at
   FROM (infinity_configs c
     LEFT JOIN extension_pool e ON ((e.config_id = c.id)))
  WHERE (c.deleted_at IS NULL)
  GROUP BY c.id;
CREATE TRIGGER call_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON call_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE ONLY alert_deliveries
    ADD CONSTRAINT fk_alert_deliveries_alert_id_alerts FOREIGN KEY (alert_id) REFERENCES alerts(id) ON DELETE CASCADE;
ALTER TABLE ONLY call_batches
    ADD CONSTRAINT fk_call_batches_calling_task FOREIGN KEY (calling_task_id) REFERENCES calling_tasks(id);
ALTER TABLE ONLY call_callbacks
    ADD CONSTRAINT fk_call_callbacks_config_id_infinity_configs FOREIGN KEY (config_id) REFERENCES infinity_configs(id);
ALTER TABLE ONLY call_callbacks
    ADD CONSTRAINT fk_call_callbacks_record_id_communication_records FOREIGN KEY (record_id) REFERENCES communication_records(id);
ALTER TABLE ONLY communication_records
    ADD CONSTRAINT fk_communication_records_config_id_infinity_configs FOREIGN KEY (config_id) REFERENCES infinity_configs(id);
ALTER TABLE ONLY extension_pool
    ADD CONSTRAINT fk_extension_pool_config_id_infinity_configs FOREIGN KEY (config_id) REFERENCES infinity_configs(id);
ALTER TABLE ONLY infinity_bill_days
    ADD CONSTRAINT fk_infinity_bill_days_config_id_infinity_configs FOREIGN KEY (config_id) REFERENCES infinity_configs(id);
ALTER TABLE ONLY infinity_bills
    ADD CONSTRAINT fk_infinity_bills_config_id_infinity_configs FOREIGN KEY (config_id) REFERENCES infinity_configs(id);
ALTER TABLE ONLY infinity_bills
    ADD CONSTRAINT fk_infinity_bills_record_id_communication_records FOREIGN KEY (record_id) REFERENCES communication_records(id);
ALTER TABLE ONLY task_charges
    ADD CONSTRAINT fk_task_charges_task_id_task_ledger FOREIGN KEY (task_id) REFERENCES task_ledger(task_id);
INSERT INTO alembic_version (version_num) VALUES ('0010_call_task_indexes');
INSERT INTO gateway_ids (single, last_slot) VALUES (true, 0);
