"""
The triggers that write the events, and the guards of the log.

The log is written by the database, in the transaction and the statement of the change itself. So no
code path can forget an event, and a posting takes no additional statement.
"""

from pathlib import Path

from database.guards import GuardSet

TABLES = {
    "account": "accounts_account",
    "transfer": "transfers_transfer",
    "event": "events_event",
}

guards = GuardSet(Path(__file__).parent, TABLES, history=("event",), kept=("event",))
