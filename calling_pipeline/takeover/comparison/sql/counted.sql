-- Numbers that only one side called, by side and reason, the most frequent first, with some of them.
SELECT side, reason, count(*) AS numbers, (array_agg(phone ORDER BY phone))[1:cast(:examples AS integer)] AS examples
FROM compared
WHERE side <> 'both'
GROUP BY side, reason
ORDER BY side, count(*) DESC, reason;
