-- How the recordings of the calls begun from :first to before :until stand.
SELECT
    count(*) FILTER (WHERE k.state = 'wanted') AS wanted,
    count(*) FILTER (WHERE k.state = 'kept') AS kept,
    count(*) FILTER (WHERE k.state IN ('expired', 'refused')) AS lost,
    count(*) FILTER (WHERE k.state = 'deleted') AS deleted
FROM communication_records AS r
INNER JOIN call_recordings AS k ON r.id = k.record_id
WHERE r.started_at >= :first AND r.started_at < :until;
