CREATE TRIGGER transfer_integers BEFORE INSERT ON transfers_transfer
WHEN typeof(NEW.amount) <> 'integer'
BEGIN
    SELECT RAISE(ABORT, 'transfer_integers: the amount must be an integer');
END
