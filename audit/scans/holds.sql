-- One row for each HOLD, CAPTURE and VOID, with the previous one of its source, and the amount of the
-- hold that it resolves. (Another check reports those without a hold_sequence.)
SELECT t.id AS subject, t.currency, t.kind, t.source_id, t.amount, t.held, t.hold_sequence,
    resolved.amount AS released,
    coalesce(lag(t.hold_sequence) OVER chain, 0) AS last_sequence,
    coalesce(lag(t.held) OVER chain, 0) AS last_held
FROM transfers_transfer t LEFT JOIN transfers_transfer resolved ON resolved.id = t.hold_id
WHERE t.source_id BETWEEN %(first)s AND %(last)s AND t.hold_sequence IS NOT NULL
WINDOW chain AS (PARTITION BY t.source_id ORDER BY t.hold_sequence)
