-- Keeps one line of the bill. A call billed before is written again, never twice; a recording once known stays.
INSERT INTO infinity_bills AS kept (
    config_id, call_uuid, day, extension_number, destination_masked, destination_hash, started_at, duration_s,
    hangup, state, recording_file, fetched_at
)
VALUES (
    :config_id, :call_uuid, :day, :extension_number, :destination_masked, :destination_hash, :started_at, :duration_s,
    :hangup, :state, :recording_file, :now
)
ON CONFLICT (config_id, call_uuid) DO UPDATE
    SET
        duration_s = excluded.duration_s, hangup = excluded.hangup, state = excluded.state,
        recording_file = coalesce(excluded.recording_file, kept.recording_file), fetched_at = excluded.fetched_at;
