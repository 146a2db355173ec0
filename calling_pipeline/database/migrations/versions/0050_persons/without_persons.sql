-- The way back: erased people are unknown again, and append-only tables have no exception.
DROP TABLE person_certificates;
DROP TABLE erasure_keys;
DROP TABLE erased_persons;

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are only ever added', tg_table_name;
END $$;
