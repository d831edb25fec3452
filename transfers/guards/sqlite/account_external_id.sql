CREATE TRIGGER account_external_id BEFORE INSERT ON accounts_account
WHEN NEW.kind = 'EXTERNAL' AND NEW.id <> '00000000000070008000000000' || lower(hex(NEW.currency))
BEGIN
    SELECT RAISE(ABORT, 'account_external_id: the id must be derived from the currency');
END
