-- The table of the version before, with telephony's acts from the audit log, where they stay. Frozen.

CREATE TABLE telephony_audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    who TEXT NOT NULL,
    tenant_id BIGINT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before JSONB,
    after JSONB,
    CONSTRAINT pk_telephony_audit PRIMARY KEY (id)
);
CREATE INDEX ix_telephony_audit_tenant ON telephony_audit (tenant_id, id);

INSERT INTO telephony_audit (at, who, tenant_id, action, subject, before, after)
SELECT
    at,
    person,
    tenant_id,
    CASE act
        WHEN 'config.create' THEN 'create'
        WHEN 'config.change' THEN 'change'
        WHEN 'config.delete' THEN 'delete'
        WHEN 'config.rotate_secret' THEN 'rotate callback secret'
        WHEN 'collector.create' THEN 'create collector'
        WHEN 'collector.change' THEN 'change collector'
        WHEN 'collector.delete' THEN 'delete collector'
        WHEN 'extension.add' THEN 'add extension'
        WHEN 'extension.import' THEN 'import extensions'
        WHEN 'extension.delete' THEN 'delete extension'
        WHEN 'extension.release' THEN 'release extension'
        WHEN 'extension.available' THEN 'set available'
        WHEN 'extension.offline' THEN 'set offline'
        ELSE replace(split_part(act, '.', 2), '_', ' ')
    END,
    subject,
    before,
    after
FROM audit_log
WHERE split_part(act, '.', 1) IN ('config', 'collector', 'extension') AND tenant_id IS NOT NULL
ORDER BY id;
