CREATE TRIGGER transfer_refuse_delete BEFORE DELETE ON transfers_transfer
BEGIN
    SELECT RAISE(ABORT, 'transfer_refuse_delete: transfers_transfer is append-only');
END
