-- Reserve `length` seconds of the account's time behind everything that is reserved, at the earliest now: whoever holds the
-- reservation sends within it, so that all batches and processes together keep the account's rate. What is not sent in its
-- time is lost; nothing is to be given back. `wait_s`: seconds until it begins, by the database's clock alone.
-- `batches`: how many batches reserved within the last `alive_s` seconds, this one included.
--
-- A reservation that lies further ahead than all batches together can have reserved was made before the clock went back.
-- The row of the account is the last that a claim locks, so it is held only until the claim is committed.
WITH mine AS (
    INSERT INTO gateway_shares (account, batch_id, reserved_at)
    VALUES (:account, :batch_id, clock_timestamp())
    ON CONFLICT (account, batch_id) DO UPDATE SET reserved_at = excluded.reserved_at
),

others AS (
    SELECT count(*) AS batches FROM gateway_shares
    WHERE
        account = :account AND batch_id <> :batch_id
        AND reserved_at > clock_timestamp() - make_interval(secs => :alive_s)
),

reserved AS (
    INSERT INTO gateway_rates AS rate (account, next_at)
    VALUES (:account, clock_timestamp() + make_interval(secs => :length_s))
    ON CONFLICT (account) DO UPDATE
        SET
            next_at = make_interval(secs => :length_s) + CASE
                WHEN rate.next_at > clock_timestamp() + make_interval(secs => :horizon_s) THEN clock_timestamp()
                ELSE greatest(rate.next_at, clock_timestamp())
            END
    RETURNING next_at
)

SELECT
    cast(
        extract(EPOCH FROM reserved.next_at - make_interval(secs => :length_s) - clock_timestamp()) AS double precision
    ) AS wait_s,
    others.batches + 1 AS batches
FROM reserved, others;
