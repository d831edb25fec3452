CREATE TRIGGER account_uuid BEFORE INSERT ON accounts_account
WHEN NOT (typeof(NEW.id) = 'text' AND length(CAST(NEW.id AS blob)) = 32
    AND NEW.id NOT GLOB '*[^0-9a-f]*')
BEGIN
    SELECT RAISE(ABORT, 'account_uuid: an id must be a UUID in 32 lower-case hexadecimal digits');
END
