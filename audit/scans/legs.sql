-- One row for each entry, with its transfer.
SELECT e.id AS subject, t.currency, e.transfer_id, t.kind, e.type, e.account_id, e.amount,
    e.ts, t.amount AS ordered, t.created_at,
    CASE e.type WHEN 'DEBIT' THEN t.source_id ELSE t.dest_id END AS party
FROM transfers_ledgerentry e LEFT JOIN transfers_transfer t ON t.id = e.transfer_id
WHERE e.transfer_id BETWEEN %(first)s AND %(last)s
