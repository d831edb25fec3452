"""
Attacks in raw SQL on a handwritten ledger, by name, each with the guard that must refuse it.

Each attack violates only the guard that it is meant for.
"""

from transfers.tests.attacks.accounts import ACCOUNT_ATTACKS
from transfers.tests.attacks.entries import ENTRY_ATTACKS
from transfers.tests.attacks.history import HISTORY_ATTACKS
from transfers.tests.attacks.holds import HOLD_ATTACKS
from transfers.tests.attacks.kinds import KIND_ATTACKS

ATTACKS = HISTORY_ATTACKS | ACCOUNT_ATTACKS | ENTRY_ATTACKS | HOLD_ATTACKS | KIND_ATTACKS
