CREATE TRIGGER account_identity BEFORE UPDATE OF id, kind, currency, status ON accounts_account
WHEN OLD.id <> NEW.id OR OLD.kind <> NEW.kind OR OLD.currency <> NEW.currency
    OR (OLD.status = 'CLOSED' AND NEW.status <> 'CLOSED')
BEGIN
    SELECT RAISE(ABORT, 'account_identity: its id, kind, currency and being CLOSED cannot change');
END
