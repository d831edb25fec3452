-- One row for each account: its own figures, the same figures computed from its history, and the
-- values of its last account changes.
SELECT a.id AS subject, a.currency, a.kind, a.status, a.owner_id, a.owner_name, a.balance, a.held,
    a.overdraft_limit, a.version, a.hold_version, a.last_posted_at, a.metadata,
    CASE WHEN a.kind <> 'EXTERNAL' THEN a.created_at END AS opened_at,
    coalesce(of_status.after, 'OPEN') AS recorded_status,
    coalesce(of_limit.after, '0') AS recorded_limit,
    coalesce(of_name.after, a.owner_name) AS recorded_name,
    coalesce(history.entries, 0) AS entries, coalesce(history.total, 0) AS total,
    coalesce(newest.sequence, 0) AS last_sequence,
    coalesce(newest.balance, 0) AS last_balance, newest.ts AS last_ts,
    coalesce(pending.total, 0) AS pending, coalesce(last_hold.held, 0) AS last_held,
    coalesce(last_hold.hold_sequence, 0) AS last_hold_sequence
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
        -- The index is of the rows with a hold_sequence.
        AND h.kind = 'HOLD' AND h.hold_sequence IS NOT NULL AND r.id IS NULL
    GROUP BY h.source_id
) pending ON pending.source_id = a.id
LEFT JOIN transfers_transfer last_hold ON last_hold.id = (
    SELECT t.id FROM transfers_transfer t
    WHERE t.source_id = a.id AND t.hold_sequence IS NOT NULL
    ORDER BY t.hold_sequence DESC LIMIT 1
)
LEFT JOIN (
    SELECT account_id,
        max(id) FILTER (WHERE action IN ('FREEZE', 'UNFREEZE', 'CLOSE')) AS status,
        max(id) FILTER (WHERE action = 'SET_OVERDRAFT_LIMIT') AS overdraft_limit,
        max(id) FILTER (WHERE action = 'RENAME') AS name
    FROM accounts_accountchange WHERE account_id BETWEEN %(first)s AND %(last)s
    GROUP BY account_id
) latest ON latest.account_id = a.id
LEFT JOIN accounts_accountchange of_status ON of_status.id = latest.status
LEFT JOIN accounts_accountchange of_limit ON of_limit.id = latest.overdraft_limit
LEFT JOIN accounts_accountchange of_name ON of_name.id = latest.name
WHERE a.id BETWEEN %(first)s AND %(last)s
