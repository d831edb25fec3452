"""Each constraint of the history, broken by a row that is well formed apart from it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from uuid_utils.compat import uuid7

from accounts.enums import MONEY_MAX
from transfers import services
from transfers.models import LedgerEntry, Transfer
from transfers.services import Order
from transfers.tests.ledgers import NOW


@pytest.fixture
def mine(alice, funded_account):
    return funded_account(alice, 100)


@pytest.fixture
def order(bob, mine, funded_account):
    return Order(source_id=mine.pk, dest_id=funded_account(bob).pk, amount=10)


@pytest.fixture
def hold(alice, order):
    return services.hold(order=order, expires_in=timedelta(days=1), actor=alice)


@pytest.fixture
def paid(alice, order):
    return services.transfer(order=order, actor=alice)


def assert_refused(row, *names):
    """Insert a row, and assert that the refusal names the constraint, or on SQLite its columns."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        row.save(force_insert=True)

    assert any(name in str(refused.value) for name in names), refused.value


def a_transfer(order, **fields):
    """Return a well-formed transfer of the order, but for ``fields``."""
    usual = {
        "kind": "TRANSFER",
        "source_id": order.source_id,
        "dest_id": order.dest_id,
        "amount": 10,
        "currency": "USD",
        "created_at": NOW,
    }
    return Transfer(**{**usual, **fields})


@pytest.mark.parametrize("amount", [0, -1, MONEY_MAX + 1])
def test_a_transfer_has_an_amount_within_bounds(order, amount):
    assert_refused(a_transfer(order, amount=amount), "transfer_amount_within_bounds")


def test_a_transfer_has_two_accounts(order):
    same = a_transfer(order, dest_id=order.source_id)

    assert_refused(same, "transfer_accounts_differ")


@pytest.mark.parametrize("kind", ["GIFT", "", "transfer"])
def test_a_transfer_is_of_a_known_kind(order, kind):
    assert_refused(a_transfer(order, kind=kind), "transfer_kind_known")


@pytest.mark.parametrize(("kind", "expires_at"), [("HOLD", None), ("TRANSFER", NOW)])
def test_a_hold_expires_and_nothing_else_does(order, kind, expires_at):
    odd = a_transfer(order, kind=kind, expires_at=expires_at)

    assert_refused(odd, "transfer_expires_only_if_hold")


@pytest.mark.parametrize("kind", ["CAPTURE", "VOID"])
def test_a_capture_or_void_resolves_a_hold(order, kind):
    assert_refused(a_transfer(order, kind=kind), "transfer_resolves_only_if_capture_or_void")


@pytest.mark.parametrize("kind", ["DEPOSIT", "WITHDRAWAL", "TRANSFER"])
def test_nothing_else_resolves_a_hold(order, hold, kind):
    odd = a_transfer(order, kind=kind, hold=hold)

    assert_refused(odd, "transfer_resolves_only_if_capture_or_void")


def test_a_reversal_reverses_something(order):
    assert_refused(a_transfer(order, kind="REVERSAL"), "transfer_reverses_only_if_reversal")


@pytest.mark.parametrize("kind", ["DEPOSIT", "WITHDRAWAL", "TRANSFER"])
def test_nothing_else_reverses(order, paid, kind):
    odd = a_transfer(order, kind=kind, reverses=paid)

    assert_refused(odd, "transfer_reverses_only_if_reversal")


def test_a_hold_is_resolved_once(order, hold, staff):
    services.capture(hold_id=hold.pk, actor=staff, amount=4)

    second = a_transfer(order, kind="VOID", hold=hold)

    assert_refused(second, "transfers_transfer_hold_id_key", "transfers_transfer.hold_id")


def test_a_transfer_is_reversed_once(order, paid, staff):
    services.reverse(transfer_id=paid.pk, actor=staff)

    parties = {"source_id": order.dest_id, "dest_id": order.source_id}
    second = a_transfer(order, kind="REVERSAL", reverses=paid, **parties)

    assert_refused(second, "transfers_transfer_reverses_id_key", "transfers_transfer.reverses_id")


def an_entry(account, **fields):
    """Return the next entry of an account, a CREDIT of 10 by a transfer yet to come."""
    version = account.version + 1
    usual = {"ts": NOW, "account": account, "type": "CREDIT", "amount": 10, "sequence": version}
    given = {**usual, "balance": account.balance + 10, "transfer_id": uuid7(), **fields}
    return LedgerEntry(**given)


@pytest.mark.parametrize("amount", [0, -1, MONEY_MAX + 1])
def test_an_entry_has_an_amount_within_bounds(mine, amount):
    assert_refused(an_entry(mine, amount=amount), "entry_amount_within_bounds")


@pytest.mark.parametrize("balance", [MONEY_MAX + 1, -MONEY_MAX - 1])
def test_an_entry_has_a_balance_within_bounds(mine, balance):
    assert_refused(an_entry(mine, balance=balance), "entry_balance_within_bounds")


@pytest.mark.parametrize("side", ["LEFT", "", "credit"])
def test_an_entry_is_a_debit_or_a_credit(mine, side):
    assert_refused(an_entry(mine, type=side), "entry_type_known")


@pytest.mark.parametrize("given", [{"sequence": 0}, {"sequence": None}, {"balance": None}])
def test_an_entry_has_a_sequence_from_one_and_a_balance_or_neither(mine, given):
    assert_refused(an_entry(mine, **given), "entry_sequence_from_one")


def test_a_sequence_is_used_once_in_an_account(mine):
    fork = an_entry(mine, sequence=mine.version)

    assert_refused(
        fork,
        "entry_sequence_once_per_account",
        "transfers_ledgerentry.account_id, transfers_ledgerentry.sequence",
    )


def test_a_transfer_has_one_debit_and_one_credit(mine, paid):
    mine.refresh_from_db()
    third = an_entry(mine, transfer_id=paid.pk)

    assert_refused(
        third,
        "entry_one_debit_one_credit_per_transfer",
        "transfers_ledgerentry.transfer_id, transfers_ledgerentry.type",
    )
