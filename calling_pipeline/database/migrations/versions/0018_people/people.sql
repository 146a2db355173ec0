-- The people who may act, and what proves who they are. Frozen.

CREATE TABLE people (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    tenant_id BIGINT,
    collector_id BIGINT,
    grants TEXT [] DEFAULT '{}' NOT NULL,
    language TEXT DEFAULT 'zh' NOT NULL,
    active BOOLEAN DEFAULT TRUE NOT NULL,
    password_hash TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_people PRIMARY KEY (id),
    CONSTRAINT ck_people_role CHECK (role IN ('viewer', 'collector', 'operator', 'admin')),
    CONSTRAINT ck_people_language CHECK (language IN ('zh', 'en')),
    CONSTRAINT ck_people_name CHECK (name <> '' AND name = btrim(name)),
    CONSTRAINT ck_people_collector_of_a_tenant CHECK (collector_id IS NULL OR tenant_id IS NOT NULL)
);
CREATE UNIQUE INDEX uq_people_name ON people (lower(name));

CREATE TABLE access_tokens (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    digest BYTEA NOT NULL,
    person_id BIGINT NOT NULL,
    label TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_access_tokens PRIMARY KEY (id),
    CONSTRAINT uq_access_tokens_digest UNIQUE (digest),
    CONSTRAINT fk_access_tokens_person_id_people FOREIGN KEY (person_id) REFERENCES people (id)
);
CREATE INDEX ix_access_tokens_person_id ON access_tokens (person_id);

CREATE TABLE access_sessions (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    digest BYTEA NOT NULL,
    person_id BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_access_sessions PRIMARY KEY (id),
    CONSTRAINT uq_access_sessions_digest UNIQUE (digest),
    CONSTRAINT fk_access_sessions_person_id_people FOREIGN KEY (person_id) REFERENCES people (id)
);
CREATE INDEX ix_access_sessions_person_id ON access_sessions (person_id) WHERE ended_at IS NULL;
CREATE INDEX ix_access_sessions_expires_at ON access_sessions (expires_at);

CREATE TABLE login_links (
    digest BYTEA NOT NULL,
    person_id BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_login_links PRIMARY KEY (digest),
    CONSTRAINT fk_login_links_person_id_people FOREIGN KEY (person_id) REFERENCES people (id)
);
CREATE INDEX ix_login_links_person_id ON login_links (person_id);

CREATE TABLE login_attempts (
    key BYTEA NOT NULL,
    attempts INTEGER NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_login_attempts PRIMARY KEY (key)
);
CREATE INDEX ix_login_attempts_last_at ON login_attempts (last_at);

COMMENT ON TABLE people IS 'The people who may act, and what they may do';
COMMENT ON COLUMN people.name IS 'unique whatever its letters'' case';
COMMENT ON COLUMN people.tenant_id IS 'empty: every tenant';
COMMENT ON COLUMN people.collector_id IS 'acts as this collector only; empty: bound to none';
COMMENT ON COLUMN people.grants IS 'rooms without tenants open all the same';
COMMENT ON COLUMN people.password_hash IS 'argon2id; empty: no login by password';

COMMENT ON TABLE access_tokens IS 'Bearer tokens of people, as digests';
COMMENT ON COLUMN access_tokens.digest IS 'SHA-256 of the token, which is shown once and not kept';
COMMENT ON COLUMN access_tokens.label IS 'what it is for, in words of who asked for it';
COMMENT ON COLUMN access_tokens.expires_at IS 'empty: until it is revoked';
COMMENT ON COLUMN access_tokens.last_used_at IS 'exact to the minute';

COMMENT ON TABLE access_sessions IS 'Sessions of people who logged in to pages, as digests';
COMMENT ON COLUMN access_sessions.digest IS 'SHA-256 of the cookie''s value';
COMMENT ON COLUMN access_sessions.last_seen_at IS 'exact to the minute';
COMMENT ON COLUMN access_sessions.expires_at IS 'it ends then, however busy it is';
COMMENT ON COLUMN access_sessions.ended_at IS 'by logout, a new password, or because the person was disabled';

COMMENT ON TABLE login_links IS 'Links that log one person in once, as digests';
COMMENT ON COLUMN login_links.digest IS 'SHA-256 of the link''s secret';
COMMENT ON COLUMN login_links.ended_at IS 'used, or ended with a new password or because the person was disabled';

COMMENT ON TABLE login_attempts IS 'Logins without success, counted per name and per address';
COMMENT ON COLUMN login_attempts.key IS 'digest of the name or address; what was typed is not kept';
COMMENT ON COLUMN login_attempts.next_at IS 'earlier attempts are refused without a look at the password';
