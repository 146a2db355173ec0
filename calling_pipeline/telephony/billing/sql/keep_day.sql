-- Keeps the proof of a day's fetch, unless a newer one is there.
INSERT INTO infinity_bill_days AS kept (config_id, day, reported, fetched, fetched_at)
VALUES (:config_id, :day, :reported, :fetched, :now)
ON CONFLICT (config_id, day) DO UPDATE
    SET reported = excluded.reported, fetched = excluded.fetched, fetched_at = excluded.fetched_at
    WHERE kept.fetched_at <= excluded.fetched_at;
