-- Who was erased, the key of their tokens, certificates, and the one exception of append-only tables.
CREATE TABLE erased_persons (
    token text COLLATE "C" NOT NULL,
    erased_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_erased_persons PRIMARY KEY (token)
);
COMMENT ON TABLE erased_persons IS 'Numbers whose data were erased: recognised by their token and never contacted again';
COMMENT ON COLUMN erased_persons.token IS 'keyed hash of the number, which is kept nowhere';
COMMENT ON COLUMN erased_persons.erased_at IS 'when it was erased first';

CREATE TABLE erasure_keys (
    id smallint NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT pk_erasure_keys PRIMARY KEY (id),
    CONSTRAINT ck_erasure_keys_one CHECK (id = 1)
);
COMMENT ON TABLE erasure_keys IS 'The key of the tokens of erased numbers; lost, no number may be contacted any more';
COMMENT ON COLUMN erasure_keys.sealed IS 'key of the tokens, encrypted';

CREATE TABLE person_certificates (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    token text COLLATE "C" NOT NULL,
    made_at timestamp with time zone NOT NULL,
    made_by text NOT NULL,
    document jsonb NOT NULL,
    digest text NOT NULL,
    CONSTRAINT pk_person_certificates PRIMARY KEY (id)
);
CREATE INDEX ix_person_certificates_token ON person_certificates (token);
COMMENT ON TABLE person_certificates IS 'Proof of each erasure; rows are only ever added';
COMMENT ON COLUMN person_certificates.token IS 'what stands in the number''s place';
COMMENT ON COLUMN person_certificates.document IS 'what was erased where, what is kept and why';
COMMENT ON COLUMN person_certificates.digest IS 'SHA-256 of the document';

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'UPDATE' AND tg_table_name IN ('call_log', 'do_not_call_history')
        AND current_setting('calling.erasing', TRUE) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% rows are only ever added', tg_table_name;
END $$;

CREATE TRIGGER person_certificates_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON person_certificates
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
