CREATE TRIGGER transfer_refuse_replace BEFORE INSERT ON transfers_transfer
WHEN EXISTS (SELECT 1 FROM transfers_transfer WHERE rowid = NEW.rowid)
    OR EXISTS (SELECT 1 FROM transfers_transfer WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM transfers_transfer WHERE hold_id = NEW.hold_id)
    OR EXISTS (SELECT 1 FROM transfers_transfer WHERE reverses_id = NEW.reverses_id)
    OR EXISTS (SELECT 1 FROM transfers_transfer
        WHERE source_id = NEW.source_id AND hold_sequence = NEW.hold_sequence)
BEGIN
    -- REPLACE deletes the old row. Triggers for DELETE run only if recursive_triggers is on.
    SELECT RAISE(ABORT, 'transfer_refuse_replace: there is a transfer with this unique key');
END
