-- Record attempts that were allowed. One whose room and reference are known stays as it is and is not counted again.
INSERT INTO contact_attempts (phone, room, reference, caller, tenant_id, at)
SELECT *
FROM
    unnest(
        cast(:phones AS text[]), cast(:rooms AS text[]), cast(:refs AS text[]), cast(:callers AS text[]),
        cast(:tenants AS bigint[]), cast(:ats AS timestamptz[])
    )
ON CONFLICT ON CONSTRAINT uq_contact_attempts_room_reference DO NOTHING
