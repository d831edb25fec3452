CREATE TRIGGER transfer_held AFTER INSERT ON transfers_transfer
WHEN NEW.hold_sequence IS NOT NULL AND (
    (NEW.hold_sequence > 1 AND NOT EXISTS (SELECT 1 FROM transfers_transfer
        WHERE source_id = NEW.source_id AND hold_sequence = NEW.hold_sequence - 1))
    OR NEW.held <> coalesce((SELECT held FROM transfers_transfer
            WHERE source_id = NEW.source_id AND hold_sequence = NEW.hold_sequence - 1), 0)
        + CASE NEW.kind WHEN 'HOLD' THEN NEW.amount
            ELSE -(SELECT amount FROM transfers_transfer WHERE id = NEW.hold_id) END
    OR NOT EXISTS (SELECT 1 FROM accounts_account WHERE id = NEW.source_id
        AND (hold_version > NEW.hold_sequence
            OR (hold_version = NEW.hold_sequence AND held = NEW.held))))
BEGIN
    SELECT RAISE(ABORT, 'transfer_held: it must continue the holds of its source, and agree with it');
END
