-- Report deliveries that are not over, by state.
SELECT state, count(*) AS number
FROM report_deliveries
WHERE state = 'pending' OR state = 'sending' OR state IN ('unknown', 'dead', 'refused')
GROUP BY state;
