CREATE TRIGGER entry_account AFTER INSERT ON transfers_ledgerentry
WHEN EXISTS (SELECT 1 FROM accounts_account WHERE id = NEW.account_id
    AND (status = 'CLOSED' OR NEW.balance < -overdraft_limit))
BEGIN
    SELECT RAISE(ABORT, 'entry_account: the account is closed or would exceed its overdraft limit');
END
