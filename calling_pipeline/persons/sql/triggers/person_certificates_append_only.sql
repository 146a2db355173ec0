-- A certificate of erasure stays as it was made.
CREATE TRIGGER person_certificates_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON person_certificates
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
