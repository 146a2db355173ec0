-- Count every call of :source since :since as a contact attempt, so that caps and gaps see it. Asked again it adds nothing.
-- Its reference says nothing about the number: that is erased from `phone` alone.
INSERT INTO contact_attempts (phone, room, reference, at)
SELECT
    history.phone,
    'restored' AS room,
    'restored:' || gen_random_uuid() AS reference,
    history.imported_called_at
FROM call_history AS history
WHERE
    history.imported_from = :source AND history.imported_called_at >= :since
    AND NOT EXISTS (
        SELECT FROM contact_attempts AS counted
        WHERE counted.phone = history.phone AND counted.room = 'restored' AND counted.at = history.imported_called_at
    );
