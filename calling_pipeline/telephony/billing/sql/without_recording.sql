-- Billed records whose recording has a file but no address yet.
SELECT r.id, r.recording_file
FROM infinity_bills AS b
INNER JOIN communication_records AS r ON b.record_id = r.id
WHERE b.config_id = :config_id AND b.day = :day AND r.recording_file IS NOT NULL AND r.recording_url IS NULL
ORDER BY r.id
LIMIT :limit;
