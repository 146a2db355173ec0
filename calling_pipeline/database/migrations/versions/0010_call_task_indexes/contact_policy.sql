-- contact_policy: its tables as version 0.1.0 had them. Frozen.

CREATE TABLE contact_attempts (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    phone TEXT COLLATE "C" NOT NULL,
    room TEXT NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    caller TEXT,
    tenant INTEGER,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_contact_attempts PRIMARY KEY (id),
    CONSTRAINT uq_contact_attempts_room_reference UNIQUE (room, reference)
);
CREATE INDEX ix_contact_attempts_at ON contact_attempts USING brin (at);
CREATE INDEX ix_contact_attempts_phone_at ON contact_attempts (phone, at);
COMMENT ON TABLE contact_attempts IS 'Every attempt that was allowed, answered or not; what the caps count';

CREATE TABLE contact_holidays (
    day DATE NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_contact_holidays PRIMARY KEY (day)
);
COMMENT ON TABLE contact_holidays IS 'Days on which policies that are closed on holidays allow nothing';

CREATE TABLE do_not_call (
    phone TEXT COLLATE "C" NOT NULL,
    source TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    note TEXT DEFAULT '' NOT NULL,
    added_by TEXT DEFAULT '' NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_do_not_call PRIMARY KEY (phone, source)
);
COMMENT ON TABLE do_not_call IS 'Numbers nobody may contact, one row a source; without expires_at for ever';
