-- Draws a sample: of each collector's connected calls those that come first in the order of a digest of seed and call, which
-- is a simple random sample that anyone can draw again. Each call of a collector with N is in it with the probability n / N.
INSERT INTO quality_sample_calls (sample_id, record_id, collector_id, place, population, probability, second)
SELECT
    :sample_id, c.id, c.collector_id, c.place, c.population, cast(c.drawn AS double precision) / c.population,
    c.place <= ceil(c.drawn * :second_pct / 100.0)
FROM (
    SELECT
        r.id, r.collector_id,
        row_number() OVER (PARTITION BY r.collector_id ORDER BY md5(concat(:seed, ':', r.id)), r.id) AS place,
        count(*) OVER (PARTITION BY r.collector_id) AS population,
        least(:per_collector, count(*) OVER (PARTITION BY r.collector_id)) AS drawn
    FROM communication_records AS r
    WHERE r.tenant_id = :tenant_id AND r.started_at >= :begin AND r.started_at < :until AND r.state = 'connected'
) AS c
WHERE c.place <= c.drawn;
