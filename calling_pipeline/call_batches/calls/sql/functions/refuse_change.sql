-- Refuses the statement that fired it, for tables whose rows are only ever added. One exception: the erasure of a person, which
-- says so by the setting `calling.erasing` of its transaction, puts a token in the place of a number.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'UPDATE' AND tg_table_name IN ('call_log', 'do_not_call_history')
        AND current_setting('calling.erasing', TRUE) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% rows are only ever added', tg_table_name;
END $$;
