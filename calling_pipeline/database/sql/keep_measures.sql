-- Adds what a process noted to what is kept, one row a measure and its labels. Rows are taken in their order, so that two
-- processes do not wait for each other in a circle. Numbers only ever grow.
INSERT INTO measures (name, labels, number, total, buckets)
SELECT
    noted.name,
    noted.labels,
    noted.number,
    noted.total,
    noted.buckets
FROM
    jsonb_to_recordset(cast(:rows AS jsonb))
        AS noted (name text, labels text[], number double precision, total double precision, buckets bigint[])
ORDER BY noted.name, noted.labels
ON CONFLICT (name, labels) DO UPDATE
    SET
        number = measures.number + excluded.number,
        total = measures.total + excluded.total,
        buckets = coalesce(
            (
                SELECT array_agg(coalesce(both_of.kept, 0) + coalesce(both_of.new, 0) ORDER BY both_of.place)
                FROM unnest(measures.buckets, excluded.buckets) WITH ORDINALITY AS both_of (kept, new, place)
            ),
            '{}'
        );
