-- One row for each account change, with the previous change of the same property, and the number of
-- transfers that a FREEZE or CLOSE should have stopped before the next change.
SELECT c.*, CASE WHEN c.action IN ('FREEZE', 'CLOSE') THEN (
        -- The conditions on source and destination are separate, so that each can use its index.
        SELECT count(*) FROM transfers_transfer t
        WHERE (t.source_id = c.subject OR t.dest_id = c.subject)
            AND t.created_at > c.at AND (c.next_at IS NULL OR t.created_at < c.next_at)
            AND (t.kind NOT IN ('VOID', 'REVERSAL')
                OR (c.action = 'CLOSE' AND t.kind = 'REVERSAL'))
    ) ELSE 0 END AS transfers_despite_it
FROM (
    SELECT r.account_id AS subject, a.currency, a.kind, r.id AS change, r.action, r.before, r.after,
        r.reason,
        lag(r.after) OVER earlier AS last_after, r.at, lead(r.at) OVER earlier AS next_at,
        lag(r.at, 1, a.created_at) OVER (PARTITION BY r.account_id ORDER BY r.id) AS last_at
    FROM accounts_accountchange r LEFT JOIN accounts_account a ON a.id = r.account_id
    WHERE r.account_id BETWEEN %(first)s AND %(last)s
    WINDOW earlier AS (
        PARTITION BY r.account_id,
            CASE WHEN r.action IN ('FREEZE', 'UNFREEZE', 'CLOSE') THEN 'status' ELSE r.action END
        ORDER BY r.id
    )
) c
