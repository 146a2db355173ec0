-- What holds back calls, messages and mails: one row for each kind of hold and act.
CREATE TABLE outgoing_holds (
    kind text NOT NULL,
    act text NOT NULL,
    since timestamp with time zone NOT NULL,
    reason text NOT NULL,
    by text NOT NULL,
    CONSTRAINT pk_outgoing_holds PRIMARY KEY (kind, act),
    CONSTRAINT ck_outgoing_holds_act_is_known CHECK (act IN ('batches', 'clicks', 'messages', 'mails'))
);
COMMENT ON TABLE outgoing_holds IS 'While a row of an act stands, that act does not happen, whatever asks for it';
COMMENT ON COLUMN outgoing_holds.kind IS 'what holds it: restored, shadow';
COMMENT ON COLUMN outgoing_holds.reason IS 'the sentence that whoever tries is shown';
COMMENT ON COLUMN outgoing_holds.by IS 'who or what placed it';
