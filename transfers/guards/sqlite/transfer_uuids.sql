CREATE TRIGGER transfer_uuids BEFORE INSERT ON transfers_transfer
WHEN EXISTS (SELECT 1 FROM (
        SELECT NEW.id AS id UNION ALL SELECT NEW.source_id UNION ALL SELECT NEW.dest_id
        UNION ALL SELECT NEW.hold_id UNION ALL SELECT NEW.reverses_id
    ) WHERE id IS NOT NULL AND NOT (typeof(id) = 'text' AND length(CAST(id AS blob)) = 32
        AND id NOT GLOB '*[^0-9a-f]*'))
BEGIN
    SELECT RAISE(ABORT, 'transfer_uuids: an id must be a UUID in 32 lower-case hexadecimal digits');
END
