-- One row for each transfer: its accounts, its legs, and the transfer that it resolves or reverses.
SELECT t.id AS subject, t.currency, t.kind, t.source_id, t.dest_id, t.amount,
    t.memo, t.metadata, t.expires_at, t.created_at, t.created_by_id, t.hold_id, t.reverses_id,
    t.held, t.hold_sequence,
    s.kind AS source_kind, s.currency AS source_currency,
    d.kind AS dest_kind, d.currency AS dest_currency,
    -- An EXTERNAL account may be younger: it is made when its currency is configured.
    CASE s.kind WHEN 'CUSTOMER' THEN s.created_at END AS source_opened_at,
    CASE d.kind WHEN 'CUSTOMER' THEN d.created_at END AS dest_opened_at,
    o.id AS original, o.kind AS original_kind, o.source_id AS original_source,
    o.dest_id AS original_dest, o.amount AS original_amount,
    o.currency AS original_currency, o.expires_at AS original_expiry,
    o.created_at AS original_created_at,
    coalesce(legs.debits, 0) AS debits, coalesce(legs.credits, 0) AS credits,
    coalesce(legs.entries, 0) AS entries,
    CASE
        WHEN t.hold_id IS NOT NULL
        THEN (SELECT count(*) FROM transfers_transfer r WHERE r.hold_id = t.hold_id)
        WHEN t.reverses_id IS NOT NULL
        THEN (SELECT count(*) FROM transfers_transfer r WHERE r.reverses_id = t.reverses_id)
        ELSE 1
    END AS times
FROM transfers_transfer t
LEFT JOIN accounts_account s ON s.id = t.source_id
LEFT JOIN accounts_account d ON d.id = t.dest_id
LEFT JOIN transfers_transfer o ON o.id = coalesce(t.hold_id, t.reverses_id)
LEFT JOIN (
    SELECT e.transfer_id, count(*) AS entries,
        count(*) FILTER (WHERE e.type = 'DEBIT') AS debits,
        count(*) FILTER (WHERE e.type = 'CREDIT') AS credits
    FROM transfers_ledgerentry e
    WHERE e.transfer_id BETWEEN %(first)s AND %(last)s
    GROUP BY e.transfer_id
) legs ON legs.transfer_id = t.id
WHERE t.id BETWEEN %(first)s AND %(last)s
