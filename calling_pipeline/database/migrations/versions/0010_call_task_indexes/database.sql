-- database: its tables as version 0.1.0 had them. Frozen.

CREATE TABLE vendor_credentials (
    name TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    version BIGINT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    obtained_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_vendor_credentials PRIMARY KEY (name)
);
COMMENT ON TABLE vendor_credentials IS 'Tokens that vendors lend us; `database/credentials.py` is their only reader and writer';
COMMENT ON COLUMN vendor_credentials.sealed IS 'the token, encrypted for this name';
COMMENT ON COLUMN vendor_credentials.version IS 'grows with every token stored';
