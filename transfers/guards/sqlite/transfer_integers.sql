CREATE TRIGGER transfer_integers BEFORE INSERT ON transfers_transfer
WHEN typeof(NEW.amount) <> 'integer'
    OR typeof(NEW.held) NOT IN ('integer', 'null')
    OR typeof(NEW.hold_sequence) NOT IN ('integer', 'null')
BEGIN
    SELECT RAISE(ABORT, 'transfer_integers: amounts and sequences must be integers');
END
