-- What is kept of every measure.
SELECT name, labels, number, total, buckets FROM measures
ORDER BY name, labels;
