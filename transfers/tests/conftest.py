"""Fixtures for the tests of transfers: accounts, whole tables, and the invariants of the books."""

from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import Any

import pytest
from django.db.models import Model

from accounts.enums import AccountKind
from accounts.models import Account, AccountChange
from accounts.tests.conftest import officer, reader
from transfers.kinds import Kind
from transfers.models import LedgerEntry, Transfer
from transfers.posting import EntryType
from transfers.tests.handwritten import HandwrittenLedger

__all__ = ["officer", "reader"]


@pytest.fixture
def all_rows(db) -> Callable[[], dict[str, list[dict[str, Any]]]]:
    """Return a function that reads every row of every table of the ledger."""
    tables: tuple[type[Model], ...] = (Account, AccountChange, Transfer, LedgerEntry)

    def read() -> dict[str, list[dict[str, Any]]]:
        return {
            table.__name__: list(table._default_manager.order_by("pk").values()) for table in tables
        }

    return read


@pytest.fixture
def source(alice, funded_account) -> Account:
    """Return an account of alice's with 10 dollars."""
    return funded_account(alice, 10_00)


@pytest.fixture
def dest(bob, funded_account) -> Account:
    """Return an empty account of bob's."""
    return funded_account(bob)


@pytest.fixture
def handwritten(alice, bob, funded_account) -> HandwrittenLedger:
    """Two accounts with 100 dollars each, and one with 100 euros, for raw SQL to write to."""
    return HandwrittenLedger(
        alice=funded_account(alice, balance=100),
        bob=funded_account(bob, balance=100),
        euros=funded_account(bob, balance=100, currency="EUR"),
        user=alice,
    )


@pytest.fixture
def assert_books_balance(db) -> Callable[[], None]:
    """Return a function that recomputes the books and asserts every invariant of the ledger."""
    return _assert_books_balance


def _assert_books_balance() -> None:
    transfers = {transfer.pk: transfer for transfer in Transfer.objects.all()}
    entries = list(LedgerEntry.objects.order_by("account_id", "sequence"))
    accounts = {account.pk: account for account in Account.objects.all()}
    _assert_each_transfer_has_its_legs(transfers, entries)
    _assert_currencies_balance(accounts, entries)
    statements = {
        account_id: list(of_account)
        for account_id, of_account in groupby(entries, lambda entry: entry.account_id)
    }
    for account in accounts.values():
        statement = statements.get(account.pk, [])
        if account.kind == AccountKind.EXTERNAL:
            _assert_keeps_no_balance(account, statement)
        else:
            _assert_follows_from_its_entries(account, statement)
            _assert_holds_add_up(account, transfers)
    _assert_sequels_match(transfers, accounts)


def _assert_each_transfer_has_its_legs(transfers, entries) -> None:
    written = Counter((e.transfer_id, e.account_id, e.type, e.amount) for e in entries)
    due = Counter(
        leg
        for transfer in transfers.values()
        if Kind(transfer.kind).rules.moves_money
        for leg in (
            (transfer.pk, transfer.source_id, EntryType.DEBIT, transfer.amount),
            (transfer.pk, transfer.dest_id, EntryType.CREDIT, transfer.amount),
        )
    )
    assert written == due


def _assert_currencies_balance(accounts, entries) -> None:
    net: Counter[str] = Counter()
    for entry in entries:
        sign = 1 if entry.type == EntryType.CREDIT else -1
        net[accounts[entry.account_id].currency] += sign * entry.amount
    assert set(net.values()) <= {0}


def _assert_keeps_no_balance(account, statement) -> None:
    assert (account.balance, account.held) == (0, 0)
    assert (account.version, account.hold_version) == (0, 0)
    assert [e for e in statement if (e.balance, e.sequence) != (None, None)] == []


def _assert_follows_from_its_entries(account, statement) -> None:
    assert [entry.sequence for entry in statement] == list(range(1, account.version + 1))
    balance, balances = 0, []
    for entry in statement:
        balance += entry.amount if entry.type == EntryType.CREDIT else -entry.amount
        balances.append(balance)
    assert [entry.balance for entry in statement] == balances
    assert account.balance == balance
    times = [entry.ts for entry in statement]
    assert times == sorted(times)
    assert account.last_posted_at == (times[-1] if times else None)


def _assert_holds_add_up(account, transfers) -> None:
    resolved = {transfer.hold_id for transfer in transfers.values()}
    reserved = [
        transfer.amount
        for transfer in transfers.values()
        if (transfer.kind, transfer.source_id) == (Kind.HOLD, account.pk)
        and transfer.pk not in resolved
    ]
    assert account.held == sum(reserved)
    changes = {
        transfer.hold_sequence: transfer
        for transfer in transfers.values()
        if transfer.source_id == account.pk and transfer.hold_sequence is not None
    }
    held = 0
    for sequence in range(1, account.hold_version + 1):
        transfer = changes.pop(sequence)
        hold = transfers.get(transfer.hold_id)
        held += transfer.amount if hold is None else -hold.amount
        assert transfer.held == held
    assert (changes, account.held) == ({}, held)
    assert account.balance - account.held + account.overdraft_limit >= 0


def _assert_sequels_match(transfers, accounts) -> None:
    """Assert that a CAPTURE or VOID has the accounts of its hold, and a REVERSAL those swapped."""
    for transfer in transfers.values():
        parties = transfer.source_id, transfer.dest_id
        assert {accounts[party].currency for party in parties} == {transfer.currency}
        if transfer.hold_id:
            hold = transfers[transfer.hold_id]
            assert (hold.kind, hold.source_id, hold.dest_id) == (Kind.HOLD, *parties)
            assert transfer.amount <= hold.amount
        if transfer.reverses_id:
            original = transfers[transfer.reverses_id]
            assert (original.dest_id, original.source_id) == parties
            assert transfer.amount == original.amount
    for resolved in ("hold_id", "reverses_id"):
        done = Counter(getattr(t, resolved) for t in transfers.values() if getattr(t, resolved))
        assert set(done.values()) <= {1}
