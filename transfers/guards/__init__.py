"""
The guards that refuse rows which would break the ledger.

They deliberately repeat the rules of the engine and of ``transfers/kinds.py`` without importing
them, so that they refuse what a bug in the engine would write. SQLite has only the guards that
don't have to look at a whole posting.
"""

from pathlib import Path

from database.guards import GuardSet

TABLES = {
    "account": "accounts_account",
    "change": "accounts_accountchange",
    "transfer": "transfers_transfer",
    "entry": "transfers_ledgerentry",
}
HISTORY = ("change", "entry", "transfer")

guards = GuardSet(Path(__file__).parent, TABLES, history=HISTORY, kept=tuple(TABLES))
