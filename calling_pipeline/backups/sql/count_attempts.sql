-- Count every call of :source since :since as a contact attempt, so that caps and gaps see it. Asked again it adds nothing.
INSERT INTO contact_attempts (phone, room, reference, at)
SELECT
    history.phone,
    'restored' AS room,
    'restored:' || history.phone AS reference,
    history.imported_called_at
FROM call_history AS history
WHERE history.imported_from = :source AND history.imported_called_at >= :since
ON CONFLICT DO NOTHING
