-- Notes on each record that it is billed, and the file of its recording.
UPDATE communication_records AS r
SET billed_at = :now, recording_file = coalesce(r.recording_file, b.recording_file)
FROM infinity_bills AS b
WHERE b.config_id = :config_id AND b.day = :day AND b.record_id = r.id AND r.billed_at IS NULL;
