-- A contract id is compared without blanks around it and with full-width forms as their plain ones; a resend is the next
-- edition of a message; the ledgers' rows keep what they last said. Where two spellings of one id were messaged before, the
-- later message counts as a resend.
ALTER TABLE contract_messages DROP CONSTRAINT uq_contract_messages_contract_id_kind;
ALTER TABLE contract_messages DROP COLUMN contract_id;
ALTER TABLE contract_messages
    ADD COLUMN contract_id TEXT GENERATED ALWAYS AS (btrim(normalize(metadata ->> 'contract_id', NFKC))) STORED NOT NULL,
    ADD COLUMN edition INTEGER DEFAULT 0 NOT NULL,
    ADD COLUMN resend_of BIGINT;
UPDATE contract_messages AS m
SET edition = numbered.edition
FROM (
    SELECT
        id,
        row_number() OVER (PARTITION BY contract_id, kind ORDER BY id) - 1 AS edition
    FROM contract_messages
) AS numbered
WHERE numbered.id = m.id AND numbered.edition > 0;
ALTER TABLE contract_messages
    ADD CONSTRAINT uq_contract_messages_contract_id_kind UNIQUE (contract_id, kind, edition),
    ADD CONSTRAINT fk_contract_messages_resend_of_contract_messages
    FOREIGN KEY (resend_of) REFERENCES contract_messages (id);
COMMENT ON COLUMN contract_messages.edition IS '0: the first message; each resend ordered by a person is the next';
COMMENT ON COLUMN contract_messages.resend_of IS 'the message that it sends again; empty for the first';
ALTER TABLE contract_rows
    ADD COLUMN line INTEGER,
    ADD COLUMN said_yes_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN set_back_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN parked BOOLEAN DEFAULT false NOT NULL;
COMMENT ON COLUMN contract_rows.line IS 'its first line when the ledger was last read';
COMMENT ON COLUMN contract_rows.said_yes_at IS 'when it was first seen to say Y, or Y was written';
COMMENT ON COLUMN contract_rows.set_back_at IS 'when it was found to say N again; empty once that is answered';
COMMENT ON COLUMN contract_rows.parked IS 'no message could be made of it yet: it goes on as soon as one can';
