-- Run the allocating function once; `functions/allocate_extension.sql` explains it.
SELECT *
FROM allocate_extension(
    cast(:tenant AS bigint), cast(:collector AS bigint), cast(:strategy AS text), cast(:now AS timestamptz),
    cast(:lease_s AS double precision), cast(:alone AS boolean), cast(:limit_lock AS bigint)
)
