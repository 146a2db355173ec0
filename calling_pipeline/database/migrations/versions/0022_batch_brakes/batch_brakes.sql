-- Tables of refused numbers and of the gateway account's rate; columns of batches that expire. Frozen.

CREATE TABLE gateway_refusals (
    phone TEXT COLLATE "C" NOT NULL,
    refused_at TIMESTAMP WITH TIME ZONE NOT NULL,
    about TEXT NOT NULL,
    code TEXT NOT NULL,
    batch_id BIGINT NOT NULL,
    call_task_id BIGINT NOT NULL,
    CONSTRAINT pk_gateway_refusals PRIMARY KEY (phone),
    CONSTRAINT ck_gateway_refusals_about CHECK (about IN ('person', 'account'))
);
CREATE INDEX ix_gateway_refusals_account ON gateway_refusals (batch_id) WHERE about = 'account';

COMMENT ON TABLE gateway_refusals IS 'One row per phone that the gateway refused: its last refusal';
COMMENT ON COLUMN gateway_refusals.about IS 'person: final for this phone; account: a person decides';
COMMENT ON COLUMN gateway_refusals.code IS 'the gateway''s code; empty when it refused the request itself';

CREATE TABLE gateway_rates (
    account TEXT NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_gateway_rates PRIMARY KEY (account)
);
COMMENT ON TABLE gateway_rates IS
'How far the sends of each gateway account are reserved: its one rate over all batches and processes';
COMMENT ON COLUMN gateway_rates.account IS 'application id and address';
COMMENT ON COLUMN gateway_rates.next_at IS 'the first instant for which no send is reserved';

CREATE TABLE gateway_shares (
    account TEXT NOT NULL,
    batch_id BIGINT NOT NULL,
    reserved_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_gateway_shares PRIMARY KEY (account, batch_id)
);
COMMENT ON TABLE gateway_shares IS
'When each batch last reserved sends: among how many the account''s rate is shared';

ALTER TABLE calling_tasks ADD COLUMN refused_days INTEGER CONSTRAINT ck_calling_tasks_refused_days CHECK (refused_days >= 0);
ALTER TABLE calling_tasks
ADD COLUMN expires_after_s INTEGER CONSTRAINT ck_calling_tasks_expires_after_s CHECK (expires_after_s > 0);
ALTER TABLE call_batches ADD COLUMN expires_at TIMESTAMP WITH TIME ZONE;

COMMENT ON COLUMN calling_tasks.refused_days IS 'null: the setting''s';
COMMENT ON COLUMN calling_tasks.expires_after_s IS
'seconds from planning, after which a batch calls nobody; null: never';
COMMENT ON COLUMN call_batches.expires_at IS 'from then on nobody is called; null: never';
