-- notifications: its tables as version 0.1.0 had them. Frozen.

CREATE TABLE contract_ledgers (
    csv_file TEXT NOT NULL,
    content BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    encoding TEXT NOT NULL,
    rows INTEGER NOT NULL,
    parked JSONB NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_contract_ledgers PRIMARY KEY (csv_file)
);
COMMENT ON TABLE contract_ledgers IS 'Contract ledgers as last read, so that a lost file can be made again';
COMMENT ON COLUMN contract_ledgers.content IS 'the file, byte by byte, as last read';
COMMENT ON COLUMN contract_ledgers.parked IS 'lines that could not be used: line, reason, contract id';

CREATE TABLE contract_messages (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    receiver TEXT NOT NULL,
    body TEXT NOT NULL,
    cut_bytes INTEGER NOT NULL,
    metadata JSONB NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    dispatcher BIGINT,
    claimed_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    alerted_at TIMESTAMP WITH TIME ZONE,
    last_error TEXT,
    history JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    contract_id TEXT GENERATED ALWAYS AS (metadata ->> 'contract_id') STORED NOT NULL,
    CONSTRAINT pk_contract_messages PRIMARY KEY (id),
    CONSTRAINT ck_contract_messages_kind CHECK (kind IN ('send_wecom_message', 'send_wechat_message')),
    CONSTRAINT uq_contract_messages_contract_id_kind UNIQUE (contract_id, kind),
    CONSTRAINT ck_contract_messages_state CHECK (state IN ('pending', 'sending', 'delivered', 'unknown', 'dead', 'abandoned')),
    CONSTRAINT ck_contract_messages_body_fits CHECK (octet_length(body) <= 2048),
    CONSTRAINT ck_contract_messages_receiver CHECK (receiver ~ '^(robot|user):.')
);
CREATE INDEX ix_contract_messages_held ON contract_messages (id) WHERE state IN ('unknown', 'dead');
CREATE INDEX ix_contract_messages_lane ON contract_messages (receiver, id) WHERE state IN ('pending', 'sending');
CREATE UNIQUE INDEX uq_contract_messages_one_in_flight_a_receiver ON contract_messages (receiver) WHERE state = 'sending';
COMMENT ON TABLE contract_messages IS 'Messages about contracts: group and award message, at most one of each a contract';
COMMENT ON COLUMN contract_messages.receiver IS 'robot:GROUP or user:CONTACT';
COMMENT ON COLUMN contract_messages.cut_bytes IS 'bytes cut off to fit the vendor''s limit';
COMMENT ON COLUMN contract_messages.attempts IS 'times it was claimed; fences late outcomes';
COMMENT ON COLUMN contract_messages.failures IS 'attempts that count towards giving up';
COMMENT ON COLUMN contract_messages.dispatcher IS 'who claimed it last';
COMMENT ON COLUMN contract_messages.settled_at IS 'when it was delivered, given up or abandoned';
COMMENT ON COLUMN contract_messages.alerted_at IS 'when people were told that it is held';
COMMENT ON COLUMN contract_messages.history IS 'every outcome but delivery, and every decision by hand';

CREATE TABLE contract_rows (
    csv_file TEXT NOT NULL,
    contract_id TEXT NOT NULL,
    first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    notified_before BOOLEAN NOT NULL,
    CONSTRAINT pk_contract_rows PRIMARY KEY (csv_file, contract_id)
);
CREATE INDEX ix_contract_rows_first_seen_at ON contract_rows (first_seen_at);
COMMENT ON TABLE contract_rows IS 'When each contract was first seen in a ledger';
COMMENT ON COLUMN contract_rows.notified_before IS 'it said Y when it was first seen';

CREATE TABLE notification_lanes (
    receiver TEXT NOT NULL,
    recent TIMESTAMP WITH TIME ZONE[] NOT NULL,
    CONSTRAINT pk_notification_lanes PRIMARY KEY (receiver)
);
COMMENT ON TABLE notification_lanes IS 'One row a receiver: whoever claims his next message locks it';
COMMENT ON COLUMN notification_lanes.recent IS 'claims of the last minute, for the robot''s rate';

CREATE TABLE technician_messages (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    receiver TEXT NOT NULL,
    body TEXT NOT NULL,
    cut_bytes INTEGER NOT NULL,
    metadata JSONB NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    dispatcher BIGINT,
    claimed_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    alerted_at TIMESTAMP WITH TIME ZONE,
    last_error TEXT,
    history JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    change_id TEXT NOT NULL,
    CONSTRAINT pk_technician_messages PRIMARY KEY (id),
    CONSTRAINT ck_technician_messages_kind CHECK (kind IN ('company', 'robot')),
    CONSTRAINT uq_technician_messages_change_id_kind UNIQUE (change_id, kind),
    CONSTRAINT ck_technician_messages_state CHECK (state IN ('pending', 'sending', 'delivered', 'unknown', 'dead', 'abandoned')),
    CONSTRAINT ck_technician_messages_body_fits CHECK (octet_length(body) <= 2048),
    CONSTRAINT ck_technician_messages_receiver CHECK (receiver ~ '^(robot|user):.')
);
CREATE INDEX ix_technician_messages_held ON technician_messages (id) WHERE state IN ('unknown', 'dead');
CREATE INDEX ix_technician_messages_lane ON technician_messages (receiver, id) WHERE state IN ('pending', 'sending');
CREATE UNIQUE INDEX uq_technician_messages_one_in_flight_a_receiver ON technician_messages (receiver) WHERE state = 'sending';
COMMENT ON TABLE technician_messages IS 'Messages about technicians'' status changes: one to the company, one to the robot';
COMMENT ON COLUMN technician_messages.receiver IS 'robot:GROUP or user:CONTACT';
COMMENT ON COLUMN technician_messages.cut_bytes IS 'bytes cut off to fit the vendor''s limit';
COMMENT ON COLUMN technician_messages.attempts IS 'times it was claimed; fences late outcomes';
COMMENT ON COLUMN technician_messages.failures IS 'attempts that count towards giving up';
COMMENT ON COLUMN technician_messages.dispatcher IS 'who claimed it last';
COMMENT ON COLUMN technician_messages.settled_at IS 'when it was delivered, given up or abandoned';
COMMENT ON COLUMN technician_messages.alerted_at IS 'when people were told that it is held';
COMMENT ON COLUMN technician_messages.history IS 'every outcome but delivery, and every decision by hand';
