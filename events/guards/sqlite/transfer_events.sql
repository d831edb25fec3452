CREATE TRIGGER transfer_events AFTER INSERT ON transfers_transfer
BEGIN
    INSERT INTO events_event
        (uuid, "transaction", type, transfer_id, account_id, other_account_id, created_at)
    SELECT
        substr(printf('%012x', CAST((julianday(NEW.created_at) - 2440587.5) * 86400000 AS integer)),
                -12) || '7' || substr(lower(hex(randomblob(2))), 2)
            || substr('89ab', 1 + abs(random() % 4), 1) || substr(lower(hex(randomblob(8))), 2),
        0,
        type,
        NEW.id,
        CASE NEW.source_id WHEN external THEN NEW.dest_id ELSE NEW.source_id END,
        CASE WHEN external IN (NEW.source_id, NEW.dest_id) THEN NULL ELSE NEW.dest_id END,
        NEW.created_at
    FROM (
        SELECT CASE NEW.kind WHEN 'HOLD' THEN 'hold.created'
            WHEN 'VOID' THEN CASE WHEN NEW.created_by_id IS NULL
                THEN 'hold.expired' ELSE 'hold.voided' END
            ELSE 'transfer.posted' END AS type
        UNION ALL SELECT 'hold.captured' WHERE NEW.kind = 'CAPTURE'
    ), (SELECT '00000000000070008000000000' || lower(hex(NEW.currency)) AS external);
END
