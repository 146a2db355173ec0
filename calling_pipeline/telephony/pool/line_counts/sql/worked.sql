-- In how many hours each tenant had a call from the day `first` to `last`, and how many calls. {hours} says what each hour had.
SELECT u.tenant_id, count(*) AS hours, cast(sum(u.calls) AS bigint) AS calls
FROM ({hours}) AS u
GROUP BY 1
ORDER BY 1
