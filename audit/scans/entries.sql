-- One row for each entry, with the previous entry of its account, its transfer, and the highest
-- overdraft limit that its account ever had.
SELECT e.id AS subject, a.currency, a.kind, e.account_id, e.type, e.amount, e.balance,
    e.sequence, e.ts, e.transfer_id, t.created_at,
    coalesce(lag(e.sequence) OVER chain, 0) AS last_sequence,
    coalesce(lag(e.balance) OVER chain, 0) AS last_balance,
    lag(e.ts) OVER chain AS last_ts,
    coalesce(granted.highest, 0) AS highest_limit
FROM transfers_ledgerentry e LEFT JOIN accounts_account a ON a.id = e.account_id
LEFT JOIN transfers_transfer t ON t.id = e.transfer_id
LEFT JOIN (
    -- Another check reports limits that aren't numbers.
    SELECT account_id, max(CASE WHEN length(after) BETWEEN 1 AND 16
        AND trim(after, '0123456789') = '' THEN CAST(after AS bigint) END) AS highest
    FROM accounts_accountchange
    WHERE action = 'SET_OVERDRAFT_LIMIT' AND account_id BETWEEN %(first)s AND %(last)s
    GROUP BY account_id
) granted ON granted.account_id = e.account_id
WHERE e.account_id BETWEEN %(first)s AND %(last)s
WINDOW chain AS (PARTITION BY e.account_id ORDER BY e.sequence)
