CREATE TRIGGER entry_integers BEFORE INSERT ON transfers_ledgerentry
WHEN typeof(NEW.amount) <> 'integer'
    OR typeof(NEW.balance) NOT IN ('integer', 'null')
    OR typeof(NEW.sequence) NOT IN ('integer', 'null')
BEGIN
    SELECT RAISE(ABORT, 'entry_integers: amounts and sequences must be integers');
END
