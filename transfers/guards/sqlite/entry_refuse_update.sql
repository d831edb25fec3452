CREATE TRIGGER entry_refuse_update BEFORE UPDATE ON transfers_ledgerentry
BEGIN
    SELECT RAISE(ABORT, 'entry_refuse_update: transfers_ledgerentry is append-only');
END
