"""
Attacks on a ledger written by hand, by what they do: the guard that refuses each, and the attack.

Each is well-formed apart from the one guard it is for.
"""

from transfers.tests.attacks.accounts import ACCOUNT_ATTACKS
from transfers.tests.attacks.entries import ENTRY_ATTACKS
from transfers.tests.attacks.history import HISTORY_ATTACKS
from transfers.tests.attacks.kinds import KIND_ATTACKS

ATTACKS = HISTORY_ATTACKS | ACCOUNT_ATTACKS | ENTRY_ATTACKS | KIND_ATTACKS
