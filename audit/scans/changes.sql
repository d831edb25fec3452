-- One row for each recorded change of an account, beside the one before it of the same figure.
SELECT c.account_id AS subject, a.currency, c.id AS change, c.action, c.before, c.after,
    lag(c.after) OVER earlier AS last_after,
    c.at, lag(c.at, 1, a.created_at) OVER (PARTITION BY c.account_id ORDER BY c.id) AS last_at
FROM accounts_accountchange c LEFT JOIN accounts_account a ON a.id = c.account_id
WHERE c.account_id BETWEEN %(first)s AND %(last)s
WINDOW earlier AS (
    PARTITION BY c.account_id,
        CASE WHEN c.action IN ('FREEZE', 'UNFREEZE', 'CLOSE') THEN 'status' ELSE c.action END
    ORDER BY c.id
)
