CREATE TRIGGER change_uuid BEFORE INSERT ON accounts_accountchange
WHEN NOT (typeof(NEW.account_id) = 'text' AND length(CAST(NEW.account_id AS blob)) = 32
    AND NEW.account_id NOT GLOB '*[^0-9a-f]*')
BEGIN
    SELECT RAISE(ABORT, 'change_uuid: an id must be a UUID in 32 lower-case hexadecimal digits');
END
