-- One row for each account: its own figures beside those that its history makes.
SELECT a.id AS subject, a.currency, a.kind, a.status, a.owner_id, a.balance, a.held,
    a.overdraft_limit, a.version, a.last_posted_at,
    coalesce(history.entries, 0) AS entries, coalesce(history.total, 0) AS total,
    coalesce(newest.sequence, 0) AS last_sequence,
    coalesce(newest.balance, 0) AS last_balance, newest.ts AS last_ts,
    coalesce(pending.total, 0) AS pending
FROM accounts_account a
LEFT JOIN (
    SELECT e.account_id, count(*) AS entries,
        sum(CASE e.type WHEN 'CREDIT' THEN e.amount ELSE -e.amount END) AS total
    FROM transfers_ledgerentry e JOIN accounts_account c ON c.id = e.account_id
    WHERE e.account_id BETWEEN %(first)s AND %(last)s AND c.kind <> 'EXTERNAL'
    GROUP BY e.account_id
) history ON history.account_id = a.id
LEFT JOIN transfers_ledgerentry newest ON newest.id = (
    SELECT e.id FROM transfers_ledgerentry e
    WHERE e.account_id = a.id AND e.sequence IS NOT NULL
    ORDER BY e.sequence DESC LIMIT 1
)
LEFT JOIN (
    SELECT h.source_id, sum(h.amount) AS total
    FROM transfers_transfer h LEFT JOIN transfers_transfer r ON r.hold_id = h.id
    WHERE h.source_id BETWEEN %(first)s AND %(last)s
        AND h.kind = 'HOLD' AND r.id IS NULL
    GROUP BY h.source_id
) pending ON pending.source_id = a.id
WHERE a.id BETWEEN %(first)s AND %(last)s
