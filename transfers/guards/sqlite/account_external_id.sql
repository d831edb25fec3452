CREATE TRIGGER account_external_id BEFORE INSERT ON accounts_account
WHEN NEW.kind = 'EXTERNAL' AND NEW.id <> '00000000000070008000000000' || lower(hex(NEW.currency))
BEGIN
    SELECT RAISE(ABORT, 'account_external_id: an EXTERNAL account has an id made of its currency');
END
