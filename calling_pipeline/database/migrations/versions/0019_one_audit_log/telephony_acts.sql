-- The rows of telephony_audit in the audit log, in their order, under the names that acts have there. Frozen.
INSERT INTO audit_log (at, person, door, act, subject, tenant_id, reason, before, after)
SELECT
    old.at,
    old.who,
    CASE WHEN old.who LIKE '%command line%' THEN 'command line' ELSE 'api' END,
    old.act,
    old.subject,
    old.tenant_id,
    '',
    nullif(old.before, 'null'),
    nullif(old.after, 'null')
FROM (
    SELECT
        telephony_audit.*,
        CASE telephony_audit.action
            WHEN 'create' THEN 'config.create'
            WHEN 'change' THEN 'config.change'
            WHEN 'delete' THEN 'config.delete'
            WHEN 'rotate callback secret' THEN 'config.rotate_secret'
            WHEN 'create collector' THEN 'collector.create'
            WHEN 'change collector' THEN 'collector.change'
            WHEN 'delete collector' THEN 'collector.delete'
            WHEN 'add extension' THEN 'extension.add'
            WHEN 'import extensions' THEN 'extension.import'
            WHEN 'delete extension' THEN 'extension.delete'
            WHEN 'release extension' THEN 'extension.release'
            WHEN 'set available' THEN 'extension.available'
            WHEN 'set offline' THEN 'extension.offline'
            ELSE split_part(telephony_audit.subject, ':', 1) || '.' || replace(telephony_audit.action, ' ', '_')
        END AS act
    FROM telephony_audit
) AS old
WHERE NOT EXISTS (
    SELECT 1 FROM audit_log AS kept
    WHERE kept.at = old.at AND kept.person = old.who AND kept.act = old.act AND kept.subject = old.subject
)
ORDER BY old.id;
