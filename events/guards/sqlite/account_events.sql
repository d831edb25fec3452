CREATE TRIGGER account_events
AFTER UPDATE OF owner_name, metadata, status, overdraft_limit ON accounts_account
WHEN NEW.kind = 'CUSTOMER'
BEGIN
    INSERT INTO events_event (uuid, "transaction", type, account_id, snapshot, created_at)
    SELECT
        substr(printf('%012x', CAST((julianday('now') - 2440587.5) * 86400000 AS integer)),
                -12) || '7' || substr(lower(hex(randomblob(2))), 2)
            || substr('89ab', 1 + abs(random() % 4), 1) || substr(lower(hex(randomblob(8))), 2),
        0,
        type,
        NEW.id,
        json_object('owner_name', NEW.owner_name, 'status', NEW.status,
            'balance', NEW.balance, 'held', NEW.held, 'overdraft_limit', NEW.overdraft_limit,
            'version', NEW.version, 'metadata', json(NEW.metadata)),
        strftime('%Y-%m-%d %H:%M:%f', 'now')
    FROM (
        SELECT 'account.updated' AS type
            WHERE OLD.owner_name <> NEW.owner_name OR json(OLD.metadata) <> json(NEW.metadata)
        UNION ALL SELECT CASE NEW.status WHEN 'FROZEN' THEN 'account.frozen'
            WHEN 'CLOSED' THEN 'account.closed' ELSE 'account.unfrozen' END
            WHERE OLD.status <> NEW.status
        UNION ALL SELECT 'account.limit_changed' WHERE OLD.overdraft_limit <> NEW.overdraft_limit
    );
END
