-- One row for each entry, beside the one before it in its account.
SELECT e.id AS subject, a.currency, a.kind, e.account_id, e.type, e.amount, e.balance,
    e.sequence, e.ts,
    coalesce(lag(e.sequence) OVER chain, 0) AS last_sequence,
    coalesce(lag(e.balance) OVER chain, 0) AS last_balance,
    lag(e.ts) OVER chain AS last_ts
FROM transfers_ledgerentry e LEFT JOIN accounts_account a ON a.id = e.account_id
WHERE e.account_id BETWEEN %(first)s AND %(last)s
WINDOW chain AS (PARTITION BY e.account_id ORDER BY e.sequence)
