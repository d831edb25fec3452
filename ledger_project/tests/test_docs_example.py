"""The worked example of docs/bookkeeping.md, replayed through the posting engine."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest

from accounts.enums import AccountKind, AccountStatus
from ledger_project.tests.pages import rows
from transfers.kinds import Kind
from transfers.posting import AccountState, Draft, Entry, EntryType, Original, post

pytestmark = pytest.mark.one_database

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)

EXTERNAL, ANN, BEN = (UUID(int=number) for number in (1, 2, 3))
NAMES = {EXTERNAL: "EXTERNAL", ANN: "Ann", BEN: "Ben"}

# The kinds that captures and reversals refer to.
ORIGINAL_OF = {Kind.CAPTURE: Kind.HOLD, Kind.REVERSAL: Kind.TRANSFER}


def test_the_posting_engine_produces_the_worked_example():
    states = {account: opened(account) for account in NAMES}
    originals: dict[Kind, Original] = {}
    history: list[Entry] = []
    replayed = []

    example = rows("docs/bookkeeping.md", "step")
    for number, row in enumerate(example, start=100):
        draft = draft_of(row, originals)
        result = post(states, [draft], now=NOW)
        states |= result.changed
        entries = result.postings[0].entries
        history += entries
        originals[draft.kind] = original_of(draft, UUID(int=number))
        replayed.append(line_of(draft, entries, states, history))

    assert replayed == example
    assert [row["trial balance"] for row in example] == ["0"] * len(example)
    assert [row["step"] for row in example] == [
        "DEPOSIT",
        "TRANSFER",
        "HOLD",
        "CAPTURE",
        "REVERSAL",
        "WITHDRAWAL",
    ]


def opened(account: UUID) -> AccountState:
    kind = AccountKind.EXTERNAL if account == EXTERNAL else AccountKind.CUSTOMER
    return AccountState(account, kind, AccountStatus.OPEN, "USD")


def draft_of(row: Mapping[str, str], originals: Mapping[Kind, Original]) -> Draft:
    kind, amount = Kind(row["step"]), int(row["amount"])
    if kind is Kind.HOLD:
        return Draft(kind, ANN, BEN, amount)
    ids = {name: account for account, name in NAMES.items()}
    original = originals[ORIGINAL_OF[kind]] if kind in ORIGINAL_OF else None
    return Draft(kind, ids[row["debit"]], ids[row["credit"]], amount, original)


def original_of(draft: Draft, transfer_id: UUID) -> Original:
    expires_at = LATER if draft.kind is Kind.HOLD else None
    return Original(transfer_id, draft.kind, draft.source, draft.dest, draft.amount, expires_at)


def line_of(
    draft: Draft,
    entries: tuple[Entry, ...],
    states: Mapping[UUID, AccountState],
    history: list[Entry],
) -> dict[str, str]:
    sides = {entry.type: NAMES[entry.account_id] for entry in entries}
    figures: dict[str, int] = {}
    for account in (ANN, BEN):
        state, name = states[account], NAMES[account]
        figures[f"{name} balance"] = state.balance
        figures[f"{name} held"] = state.held
        figures[f"{name} available"] = state.available
    # EXTERNAL accounts store no balance. It is the sum of the entries.
    figures["EXTERNAL"] = sum_of(entry for entry in history if entry.account_id == EXTERNAL)
    figures["trial balance"] = states[ANN].balance + states[BEN].balance + figures["EXTERNAL"]
    return {
        "step": draft.kind.value,
        "amount": str(draft.amount),
        "debit": sides.get(EntryType.DEBIT, ""),
        "credit": sides.get(EntryType.CREDIT, ""),
        **{title: str(figure) for title, figure in figures.items()},
    }


def sum_of(entries) -> int:
    return sum(
        entry.amount if entry.type is EntryType.CREDIT else -entry.amount for entry in entries
    )
