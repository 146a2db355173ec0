-- Entries of the do-not-call list that hold now and were made or changed since then.
SELECT phone, source, note AS remark, expires_at AS expire_time, added_at AS created_at
FROM do_not_call
WHERE added_at >= :since AND (expires_at IS NULL OR expires_at > now())
ORDER BY phone, source
