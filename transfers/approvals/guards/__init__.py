"""
The guards of approvals: a new one is pending, it is decided once, and it names what it led to.

That the two people differ is a CHECK of the model.
"""

from pathlib import Path

from database.guards import GuardSet

TABLES = {"approval": "approvals_approval"}

guards = GuardSet(Path(__file__).parent, TABLES, history=(), kept=("approval",))
