-- Cases of collectors, their desks, recordings of calls and quality notes. Recordings of calls before this are not fetched:
-- their links have mostly expired. Frozen.

CREATE TABLE collector_cases (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    reference TEXT NOT NULL,
    tenant_id BIGINT NOT NULL,
    collector_id BIGINT NOT NULL,
    customer_name TEXT DEFAULT '' NOT NULL,
    phone_sealed BYTEA NOT NULL,
    phone_masked TEXT NOT NULL,
    phone_hash BYTEA NOT NULL,
    note TEXT DEFAULT '' NOT NULL,
    source TEXT NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    place BIGINT DEFAULT '0' NOT NULL,
    result TEXT,
    remark TEXT DEFAULT '' NOT NULL,
    next_call_at TIMESTAMP WITH TIME ZONE,
    calls INTEGER DEFAULT '0' NOT NULL,
    last_run BIGINT DEFAULT '0' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    done_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_collector_cases PRIMARY KEY (id),
    CONSTRAINT ck_collector_cases_source CHECK (source IN ('import', 'typed')),
    CONSTRAINT ck_collector_cases_state CHECK ((state = 'done') = (done_at IS NOT NULL) AND state IN ('open', 'done')),
    CONSTRAINT ck_collector_cases_result CHECK (result IN ('promised', 'paid', 'declined', 'no_answer', 'busy', 'wrong_number', 'call_back', 'other'))
);
CREATE INDEX ix_collector_cases_list ON collector_cases (tenant_id, collector_id, state, place, id);
CREATE UNIQUE INDEX uq_collector_cases_open_phone ON collector_cases (tenant_id, collector_id, phone_hash) WHERE state = 'open';
COMMENT ON TABLE collector_cases IS 'Whom each collector is to call';
COMMENT ON COLUMN collector_cases.reference IS 'for whom the phone is encrypted';
COMMENT ON COLUMN collector_cases.place IS 'the order in which cases are called';
COMMENT ON COLUMN collector_cases.result IS 'what came of its last call';
COMMENT ON COLUMN collector_cases.next_call_at IS 'not to be called before';
COMMENT ON COLUMN collector_cases.last_run IS 'the round of calls it was last in';

CREATE TABLE collector_desks (
    tenant_id BIGINT NOT NULL,
    collector_id BIGINT NOT NULL,
    turn BIGINT DEFAULT '0' NOT NULL,
    run BIGINT DEFAULT '0' NOT NULL,
    batch TEXT DEFAULT 'off' NOT NULL,
    pause_s INTEGER DEFAULT '5' NOT NULL,
    resumed_at TIMESTAMP WITH TIME ZONE,
    case_id BIGINT,
    call_id BIGINT,
    said TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_collector_desks PRIMARY KEY (tenant_id, collector_id),
    CONSTRAINT ck_collector_desks_batch CHECK (batch IN ('off', 'running', 'paused')),
    CONSTRAINT ck_collector_desks_pause_s CHECK (pause_s BETWEEN 0 AND 600),
    CONSTRAINT fk_collector_desks_case_id_collector_cases FOREIGN KEY(case_id) REFERENCES collector_cases (id)
);
COMMENT ON TABLE collector_desks IS 'What each collector''s desk is doing; the list of a round advances by these rows alone';
COMMENT ON COLUMN collector_desks.turn IS 'grows with every act at the desk';
COMMENT ON COLUMN collector_desks.run IS 'numbers the rounds through the list';
COMMENT ON COLUMN collector_desks.pause_s IS 'seconds between two calls of a round';
COMMENT ON COLUMN collector_desks.resumed_at IS 'when the round was begun or resumed';
COMMENT ON COLUMN collector_desks.case_id IS 'the case called last';
COMMENT ON COLUMN collector_desks.call_id IS 'the press of the button that was last';
COMMENT ON COLUMN collector_desks.said IS 'why the round paused by itself';

CREATE TABLE desk_calls (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tenant_id BIGINT NOT NULL,
    collector_id BIGINT NOT NULL,
    case_id BIGINT NOT NULL,
    run BIGINT DEFAULT '0' NOT NULL,
    intended_at TIMESTAMP WITH TIME ZONE NOT NULL,
    outcome TEXT,
    record_id BIGINT,
    rule TEXT DEFAULT '' NOT NULL,
    sentence TEXT DEFAULT '' NOT NULL,
    not_before TIMESTAMP WITH TIME ZONE,
    answered_at TIMESTAMP WITH TIME ZONE,
    result TEXT,
    remark TEXT DEFAULT '' NOT NULL,
    noted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_desk_calls PRIMARY KEY (id),
    CONSTRAINT ck_desk_calls_outcome CHECK (outcome IN ('ringing', 'refused', 'failed', 'unknown')),
    CONSTRAINT ck_desk_calls_answered CHECK ((outcome IS NULL) = (answered_at IS NULL)),
    CONSTRAINT fk_desk_calls_case_id_collector_cases FOREIGN KEY(case_id) REFERENCES collector_cases (id),
    CONSTRAINT fk_desk_calls_record_id_communication_records FOREIGN KEY(record_id) REFERENCES communication_records (id)
);
CREATE INDEX ix_desk_calls_case ON desk_calls (case_id, id);
CREATE INDEX ix_desk_calls_record ON desk_calls (record_id);
CREATE UNIQUE INDEX uq_desk_calls_under_way ON desk_calls (tenant_id, collector_id) WHERE outcome IS NULL;
COMMENT ON TABLE desk_calls IS 'Every press of a desk''s call button: intent, answer, and what the collector noted';
COMMENT ON COLUMN desk_calls.run IS 'the round that it belongs to; 0: none';
COMMENT ON COLUMN desk_calls.outcome IS 'empty between the intent and the answer';
COMMENT ON COLUMN desk_calls.rule IS 'who refused';
COMMENT ON COLUMN desk_calls.not_before IS 'when a refused call may be tried again';
COMMENT ON COLUMN desk_calls.result IS 'what the collector said came of it';

CREATE TABLE call_recordings (
    record_id BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    config_id BIGINT NOT NULL,
    state TEXT DEFAULT 'wanted' NOT NULL,
    known_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    next_try_at TIMESTAMP WITH TIME ZONE NOT NULL,
    claim BIGINT DEFAULT '0' NOT NULL,
    claimed_until TIMESTAMP WITH TIME ZONE,
    failure TEXT DEFAULT '' NOT NULL,
    file TEXT,
    bytes BIGINT,
    media_type TEXT,
    kept_at TIMESTAMP WITH TIME ZONE,
    lost_at TIMESTAMP WITH TIME ZONE,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_call_recordings PRIMARY KEY (record_id),
    CONSTRAINT ck_call_recordings_state CHECK (state IN ('wanted', 'kept', 'expired', 'refused', 'deleted')),
    CONSTRAINT ck_call_recordings_kept CHECK ((state = 'kept') = (file IS NOT NULL) AND (state <> 'kept' OR bytes IS NOT NULL)),
    CONSTRAINT fk_call_recordings_record_id_communication_records FOREIGN KEY(record_id) REFERENCES communication_records (id)
);
CREATE INDEX ix_call_recordings_kept ON call_recordings (kept_at) WHERE state = 'kept';
CREATE INDEX ix_call_recordings_lost ON call_recordings (lost_at) WHERE state IN ('expired', 'refused');
CREATE INDEX ix_call_recordings_wanted ON call_recordings (next_try_at) WHERE state = 'wanted';
COMMENT ON TABLE call_recordings IS 'Recordings of calls: fetched before the vendor''s link expires, kept encrypted, deleted by retention';
COMMENT ON COLUMN call_recordings.known_at IS 'when its link became known';
COMMENT ON COLUMN call_recordings.expires_at IS 'when the link stops working: as it says itself, else as set';
COMMENT ON COLUMN call_recordings.claim IS 'grows with every claim of a fetch';
COMMENT ON COLUMN call_recordings.claimed_until IS 'until then one process alone fetches it';
COMMENT ON COLUMN call_recordings.failure IS 'why the last fetch did not succeed';
COMMENT ON COLUMN call_recordings.file IS 'name in the store of recordings';
COMMENT ON COLUMN call_recordings.bytes IS 'size of the recording itself';
COMMENT ON COLUMN call_recordings.lost_at IS 'when it was given up';
COMMENT ON COLUMN call_recordings.deleted_at IS 'when retention deleted it';

CREATE TABLE call_notes (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    record_id BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    reviewer TEXT NOT NULL,
    score SMALLINT NOT NULL,
    remark TEXT DEFAULT '' NOT NULL,
    noted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    replaced_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_call_notes PRIMARY KEY (id),
    CONSTRAINT ck_call_notes_score CHECK (score BETWEEN 1 AND 5),
    CONSTRAINT fk_call_notes_record_id_communication_records FOREIGN KEY(record_id) REFERENCES communication_records (id)
);
CREATE INDEX ix_call_notes_noted_at ON call_notes (noted_at);
CREATE INDEX ix_call_notes_record ON call_notes (record_id, id);
CREATE UNIQUE INDEX uq_call_notes_reviewer ON call_notes (record_id, reviewer) WHERE replaced_at IS NULL;
COMMENT ON TABLE call_notes IS 'Scores and remarks of reviewers about calls; an opinion that was changed stays';
COMMENT ON COLUMN call_notes.replaced_at IS 'when the same reviewer noted something else; empty: what they think now';

ALTER TABLE communication_records ADD COLUMN recording_queued BOOLEAN DEFAULT true NOT NULL;
ALTER TABLE communication_records ALTER COLUMN recording_queued SET DEFAULT false;
COMMENT ON COLUMN communication_records.recording_queued IS 'its recording is being fetched';
CREATE INDEX ix_communication_records_new_recording ON communication_records (id)
WHERE recording_url IS NOT NULL AND NOT recording_queued;
