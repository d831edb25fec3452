"""Accounts and drafts for the tests of the engine, without Django."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest

from accounts.enums import AccountKind, AccountStatus
from api.errors import LedgerError
from transfers.kinds import Kind
from transfers.posting import AccountState, Draft, Original, post

ALICE, BOB, OUTSIDE, ORIGINAL = (UUID(int=number) for number in range(1, 5))
NOW = datetime(2025, 1, 31, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def customer(account_id: UUID = ALICE, **fields: Any) -> AccountState:
    """Return a customer's account, by default open, empty and in USD."""
    given = {"kind": AccountKind.CUSTOMER, "status": AccountStatus.OPEN, "currency": "USD"}
    return AccountState(id=account_id, **{**given, **fields})


def outside(**fields: Any) -> AccountState:
    """Return the EXTERNAL account of USD."""
    return customer(OUTSIDE, kind=AccountKind.EXTERNAL, **fields)


def ledger(*states: AccountState) -> dict[UUID, AccountState]:
    return {state.id: state for state in states}


def earlier(kind: Kind, source: UUID = ALICE, dest: UUID = BOB, amount: int = 50) -> Original:
    """Return an earlier transfer, by default of 50 from Alice to Bob. A hold expires in a day."""
    expires_at = NOW + timedelta(days=1) if kind is Kind.HOLD else None
    return Original(ORIGINAL, kind, source, dest, amount, expires_at)


def resolving(kind: Kind, hold: Original, amount: int = 50, **marks: bool) -> Draft:
    """Return the CAPTURE or VOID of a hold."""
    return Draft(kind, hold.source, hold.dest, amount, original=hold, **marks)


def reversing(original: Original, **marks: bool) -> Draft:
    """Return the REVERSAL of a transfer."""
    return Draft(
        Kind.REVERSAL,
        original.dest,
        original.source,
        original.amount,
        original=original,
        **marks,
    )


def refusal(
    accounts: dict[UUID, AccountState],
    drafts: Iterable[Draft],
    *,
    resolved: Mapping[UUID, datetime] = MappingProxyType({}),
    now: datetime = NOW,
) -> tuple[type[LedgerError], int | None, dict[str, Any]]:
    """
    Post drafts that must be refused; return the error's class, the draft's position and evidence.

    ``resolved`` has the times at which originals were captured, voided or reversed before.
    """
    drafts = list(drafts)
    with pytest.raises(LedgerError) as refused:
        post(accounts, drafts, resolved=resolved, now=now)

    return type(refused.value), position(refused.value, drafts), refused.value.evidence


def position(refusal: LedgerError, drafts: Sequence[Draft]) -> int | None:
    """Return the position of the refused draft, or None if the error doesn't name it."""
    if refusal.draft is None:
        return None
    [found] = [number for number, draft in enumerate(drafts) if draft is refusal.draft]
    return found
