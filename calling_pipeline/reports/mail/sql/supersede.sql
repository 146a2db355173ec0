-- Abandon what still waits to be sent of a report of which a newer revision was made: nobody gets outdated numbers.
--
-- It comes before planning, in the same transaction: a delivery that is claimed at this moment is left to its process, and
-- planning then sees that the earlier revision went out.
UPDATE report_deliveries AS d
SET
    state = 'abandoned',
    settled_at = :now,
    answer = :why,
    history = d.history || jsonb_build_object('at', cast(:now AS timestamptz), 'from', d.state, 'to', 'abandoned', 'why', cast(:why AS text))
WHERE
    d.state = 'pending'
    AND EXISTS (
        SELECT FROM reports AS newer
        WHERE newer.kind = d.kind AND newer.first = d.first AND newer.revision > d.revision
    )
