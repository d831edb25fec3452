CREATE TRIGGER entry_uuids BEFORE INSERT ON transfers_ledgerentry
WHEN EXISTS (SELECT 1 FROM (
        SELECT NEW.id AS id UNION ALL SELECT NEW.account_id UNION ALL SELECT NEW.transfer_id
    ) WHERE id IS NOT NULL AND NOT (typeof(id) = 'text' AND length(CAST(id AS blob)) = 32
        AND id NOT GLOB '*[^0-9a-f]*'))
BEGIN
    SELECT RAISE(ABORT, 'entry_uuids: an id must be a UUID in 32 lower-case hexadecimal digits');
END
