-- The id of an EXTERNAL account is derived from its currency, so that a posting needs no query to
-- find it.
CREATE OR REPLACE FUNCTION {schema}.account_external_id() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'account % does not have the id of the EXTERNAL account for %',
        NEW.id, NEW.currency
        USING ERRCODE = 'check_violation', CONSTRAINT = 'account_external_id';
END
$$;

CREATE TRIGGER account_external_id
    BEFORE INSERT ON {schema}.accounts_account
    FOR EACH ROW
    WHEN (NEW.kind = 'EXTERNAL' AND NEW.id::text
        <> '00000000-0000-7000-8000-000000' || encode(convert_to(NEW.currency, 'UTF8'), 'hex'))
    EXECUTE FUNCTION {schema}.account_external_id();
