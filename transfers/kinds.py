"""
The kinds of transfers and their rules.

The engine, the rights, the constraints of the models, the admin and the API use these rules. Only
the guards (``transfers/guards``) and the audit (``audit/transfer_checks.py``) repeat them in SQL,
deliberately: each of the three must be able to detect errors in the others.

This module doesn't import Django, because the engine uses it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from accounts.enums import AccountKind

CUSTOMER, EXTERNAL = AccountKind.CUSTOMER, AccountKind.EXTERNAL

Party = Literal["source", "dest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """
    The effect of a kind of transfer, and who may request it.

    ``meaning`` is the description in the API's documentation. The owners of the accounts listed in
    ``owners`` may request the transfer, and so may users with ``permission``. The setting
    ``SELF_SERVICE_CASH`` decides whether owners may move cash.
    """

    meaning: str
    owners: tuple[Party, ...]
    permission: str
    # The kinds of the accounts. None for a REVERSAL, which has the accounts of its original.
    source: AccountKind | None = CUSTOMER
    dest: AccountKind | None = CUSTOMER
    # Whether it writes a DEBIT on the source and a CREDIT on the destination.
    moves_money: bool = False
    # Whether it reserves the amount on the source until it expires.
    reserves: bool = False
    # Whether it resolves a transfer that reserves, and releases the reserved amount.
    releases: bool = False
    # Whether it reverses a transfer, and whether it can be reversed itself.
    reverses: bool = False
    reversible: bool = False

    @property
    def changes_held(self) -> bool:
        """Whether it changes the held amount of its source."""
        return self.reserves or self.releases

    @property
    def moves_cash(self) -> bool:
        """Whether money comes in from outside or is paid out."""
        return EXTERNAL in (self.source, self.dest)


class Kind(StrEnum):
    """The kind of a transfer, with its ``rules``."""

    rules: Rules

    def __new__(cls, value: str, rules: Rules | None = None) -> "Kind":
        assert rules is not None, f"{value} has no rules."
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.rules = rules
        return kind

    DEPOSIT = (
        "DEPOSIT",
        Rules(
            meaning="money came in from outside.",
            source=EXTERNAL,
            owners=("dest",),
            permission="transfers.move_cash",
            moves_money=True,
            reversible=True,
        ),
    )
    WITHDRAWAL = (
        "WITHDRAWAL",
        Rules(
            meaning="money was paid out.",
            dest=EXTERNAL,
            owners=("source",),
            permission="transfers.move_cash",
            moves_money=True,
            reversible=True,
        ),
    )
    TRANSFER = (
        "TRANSFER",
        Rules(
            meaning="money moved between two accounts.",
            owners=("source",),
            permission="transfers.move_any",
            moves_money=True,
            reversible=True,
        ),
    )
    HOLD = (
        "HOLD",
        Rules(
            meaning="an amount is reserved; no money has moved.",
            owners=("source",),
            permission="transfers.move_any",
            reserves=True,
        ),
    )
    CAPTURE = (
        "CAPTURE",
        Rules(
            meaning="a held amount, or part of it, was moved, and the rest was released.",
            owners=("dest",),
            permission="transfers.move_any",
            moves_money=True,
            releases=True,
            reversible=True,
        ),
    )
    VOID = (
        "VOID",
        Rules(
            meaning="a held amount was released.",
            owners=("source", "dest"),
            permission="transfers.move_any",
            releases=True,
        ),
    )
    REVERSAL = (
        "REVERSAL",
        Rules(
            meaning="the money of another transfer was moved back.",
            source=None,
            dest=None,
            owners=("source",),
            permission="transfers.reverse_any",
            moves_money=True,
            reverses=True,
        ),
    )


# For queries and constraints.
RESERVING = [kind.value for kind in Kind if kind.rules.reserves]
RELEASING = [kind.value for kind in Kind if kind.rules.releases]
CHANGING_HELD = [kind.value for kind in Kind if kind.rules.changes_held]
REVERSING = [kind.value for kind in Kind if kind.rules.reverses]
