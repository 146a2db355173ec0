-- Make `runner` the one that may claim: from here on only its claims are valid. Changes nothing unless the batch may be pushed; one
-- that was planned in shadow mode never may.
UPDATE call_batches
SET state = 'running', runner = :runner, started_at = coalesce(started_at, :now), resume_at = NULL, note = ''
WHERE id = :id AND NOT shadow AND state IN ('planned', 'running', 'waiting');
