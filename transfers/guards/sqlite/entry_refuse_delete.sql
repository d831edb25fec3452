CREATE TRIGGER entry_refuse_delete BEFORE DELETE ON transfers_ledgerentry
BEGIN
    SELECT RAISE(ABORT, 'entry_refuse_delete: transfers_ledgerentry is append-only');
END
