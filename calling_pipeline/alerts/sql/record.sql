-- Record an alert; a key that is known already changes nothing and returns no row.
INSERT INTO alerts (key, severity, room, title, text, created_at, kind, link, about)
VALUES (:key, :severity, :room, :title, :text, :now, :kind, :link, cast(:about AS bigint[]))
ON CONFLICT ON CONSTRAINT uq_alerts_key DO NOTHING
RETURNING id
