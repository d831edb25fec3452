"""
The kinds of transfer, and what each of them does.

The engine, the rights, the constraints of the models, the admin and the API read these rules. Only
the guards (``transfers/guards``) and the audit (``audit/transfer_checks.py``) repeat them in SQL.
They do so on purpose: each of the three must be able to prove the others wrong.

Plain Python, because the engine is.
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
    What a kind of transfer does, and who may ask for it.

    ``meaning`` is its description in the API's documentation. The owners of the accounts named in
    ``owners`` may ask for it, and so may holders of ``permission``. A setting decides whether
    owners may move cash.
    """

    meaning: str
    owners: tuple[Party, ...]
    permission: str
    # The kinds of its accounts. A REVERSAL has those of its original, the other way round.
    source: AccountKind | None = CUSTOMER
    dest: AccountKind | None = CUSTOMER
    # It writes a DEBIT on its source and a CREDIT on its dest.
    moves_money: bool = False
    # It reserves its amount on its source, and expires.
    reserves: bool = False
    # It resolves a transfer that reserves, and gives back what that one reserved.
    releases: bool = False
    # It undoes a transfer that is reversible.
    reverses: bool = False
    reversible: bool = False

    @property
    def moves_cash(self) -> bool:
        """Whether money comes from outside, or goes there."""
        return EXTERNAL in (self.source, self.dest)


class Kind(StrEnum):
    """What a transfer does. ``rules`` says it in detail."""

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
            meaning="another transfer was moved back.",
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
REVERSING = [kind.value for kind in Kind if kind.rules.reverses]
