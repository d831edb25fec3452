"""
The checks of the event log against the transfers and accounts that it tells of.

The SQL deliberately repeats what the triggers in ``events/guards`` write, so that the audit can
find an error there, and events that weren't written while a trigger was switched off.
"""

from collections.abc import Iterator

from audit.report import EXAMPLES, Finding, Result
from audit.rows import fetch, uuid_text

# The events that the transfers must have.
EXPECTED = """
    SELECT id, CASE kind WHEN 'HOLD' THEN 'hold.created'
        WHEN 'VOID' THEN CASE WHEN created_by_id IS NULL THEN 'hold.expired' ELSE 'hold.voided' END
        ELSE 'transfer.posted' END AS type, source_id, dest_id, created_at
    FROM transfers_transfer
    UNION ALL SELECT id, 'hold.captured', source_id, dest_id, created_at
    FROM transfers_transfer WHERE kind = 'CAPTURE'
"""

OF_TRANSFERS = f"""
    FROM ({EXPECTED}) expected
    LEFT JOIN (SELECT transfer_id, type, count(*) AS times FROM events_event
        WHERE transfer_id IS NOT NULL GROUP BY transfer_id, type) written
        ON written.transfer_id = expected.id AND written.type = expected.type
    WHERE coalesce(written.times, 0) <> 1
"""

OF_EVENTS = f"""
    FROM events_event event
    LEFT JOIN ({EXPECTED}) expected
        ON expected.id = event.transfer_id AND expected.type = event.type
    LEFT JOIN accounts_account source ON source.id = expected.source_id
    LEFT JOIN accounts_account dest ON dest.id = expected.dest_id
    WHERE event.transfer_id IS NOT NULL AND (expected.id IS NULL
        OR event.created_at <> expected.created_at
        OR event.account_id
            <> CASE source.kind WHEN 'EXTERNAL' THEN dest.id ELSE source.id END
        OR (event.other_account_id IS NULL)
            <> (source.kind = 'EXTERNAL' OR dest.kind = 'EXTERNAL')
        OR event.other_account_id <> expected.dest_id)
"""

# The events that the accounts and their changes must have, minus those that were written. Not every
# account.updated has an account change: one of the metadata has none.
OF_ACCOUNTS = """
    FROM (
        SELECT id, type FROM (
            SELECT id, 'account.opened' AS type, 1 AS times
            FROM accounts_account WHERE kind = 'CUSTOMER'
            UNION ALL SELECT account_id, CASE action WHEN 'FREEZE' THEN 'account.frozen'
                WHEN 'UNFREEZE' THEN 'account.unfrozen' WHEN 'CLOSE' THEN 'account.closed'
                ELSE 'account.limit_changed' END, count(*)
            FROM accounts_accountchange WHERE action <> 'RENAME' GROUP BY account_id, action
            UNION ALL SELECT account_id, type, -count(*) FROM events_event
            WHERE transfer_id IS NULL AND type <> 'account.updated' GROUP BY account_id, type
        ) counted GROUP BY id, type HAVING sum(times) <> 0
        UNION ALL SELECT DISTINCT event.account_id, event.type FROM events_event event
        LEFT JOIN accounts_account account ON account.id = event.account_id
        WHERE event.type = 'account.updated' AND account.id IS NULL
    ) expected
"""

OF_IDS = """
    FROM (SELECT uuid, min(type) AS type FROM events_event GROUP BY uuid HAVING count(*) > 1) event
"""

# By name: what is checked, the violations, the id of each, and the columns of the message.
CHECKS = {
    "event_of_every_transfer": (
        "Every transfer has each of its events exactly once",
        OF_TRANSFERS,
        "expected.id",
        "expected.type",
        "the transfer doesn't have exactly one event {}",
    ),
    "event_fits_its_transfer": (
        "Every event of a transfer has the transfer's accounts and time, and the type of its kind",
        OF_EVENTS,
        "event.transfer_id",
        "event.type",
        "the event {} doesn't fit the transfer, or the transfer doesn't exist",
    ),
    "event_of_every_account_change": (
        "Every customer's account has an event for its opening and for each change of its status "
        "or limit, and no other",
        OF_ACCOUNTS,
        "expected.id",
        "expected.type",
        "the account doesn't have the right number of events {}",
    ),
    "event_has_its_own_id": (
        "No two events have the same id, by which receivers recognize those that they have handled",
        OF_IDS,
        "event.uuid",
        "event.type",
        "several events have this id, and one is of the type {}",
    ),
}


def event_results() -> Iterator[Result]:
    """Yield the result of each check of the event log."""
    for name, (description, violations, subject, type, problem) in CHECKS.items():
        result = Result(name, description)
        [row] = fetch(f"SELECT count(*) AS found {violations}")
        result.findings = row["found"]
        if result.findings:
            result.examples = [
                Finding(uuid_text(row["id"]), problem.format(row["type"]))
                for row in fetch(
                    f"SELECT {subject} AS id, {type} AS type {violations}"
                    f" ORDER BY 1, 2 LIMIT {EXAMPLES}"
                )
            ]
        yield result
