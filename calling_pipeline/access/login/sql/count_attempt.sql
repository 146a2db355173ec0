-- Counts one attempt under `key` before anything is verified, so that attempts at the same time are counted too. Answers when
-- the next one may come; no row when this one comes too early, and then nothing is counted.
INSERT INTO login_attempts AS known (key, attempts, last_at, next_at)
VALUES (:key, 1, :now, :now)
ON CONFLICT (key) DO UPDATE
    SET
        attempts = CASE WHEN known.last_at < :forgotten THEN 1 ELSE known.attempts + 1 END,
        last_at = excluded.last_at,
        next_at = excluded.last_at + make_interval(
            secs => CASE
                WHEN known.last_at < :forgotten OR known.attempts < :free THEN 0
                ELSE least(cast(:longest_s AS float), power(2.0, least(known.attempts - :free, 20)))
            END
        )
    WHERE known.attempts <= :free OR known.next_at <= excluded.last_at
RETURNING next_at
