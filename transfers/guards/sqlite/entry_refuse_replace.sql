CREATE TRIGGER entry_refuse_replace BEFORE INSERT ON transfers_ledgerentry
WHEN EXISTS (SELECT 1 FROM transfers_ledgerentry WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM transfers_ledgerentry WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM transfers_ledgerentry
        WHERE account_id = NEW.account_id AND sequence = NEW.sequence)
    OR EXISTS (SELECT 1 FROM transfers_ledgerentry
        WHERE transfer_id = NEW.transfer_id AND type = NEW.type)
BEGIN
    -- REPLACE deletes the old row. Triggers for DELETE run only if recursive_triggers is on.
    SELECT RAISE(ABORT, 'entry_refuse_replace: there is an entry with this unique key');
END
