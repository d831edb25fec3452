CREATE TRIGGER transfer_refuse_update BEFORE UPDATE ON transfers_transfer
BEGIN
    SELECT RAISE(ABORT, 'transfer_refuse_update: transfers_transfer is append-only');
END
