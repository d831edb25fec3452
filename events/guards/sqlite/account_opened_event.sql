CREATE TRIGGER account_opened_event AFTER INSERT ON accounts_account
WHEN NEW.kind = 'CUSTOMER'
BEGIN
    INSERT INTO events_event (uuid, "transaction", type, account_id, snapshot, created_at)
    VALUES (
        substr(printf('%012x', CAST((julianday(NEW.created_at) - 2440587.5) * 86400000 AS integer)),
                -12) || '7' || substr(lower(hex(randomblob(2))), 2)
            || substr('89ab', 1 + abs(random() % 4), 1) || substr(lower(hex(randomblob(8))), 2),
        0,
        'account.opened',
        NEW.id,
        json_object('owner_name', NEW.owner_name, 'status', NEW.status,
            'balance', NEW.balance, 'held', NEW.held, 'overdraft_limit', NEW.overdraft_limit,
            'version', NEW.version, 'metadata', json(NEW.metadata)),
        NEW.created_at);
END
