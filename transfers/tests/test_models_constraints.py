"""Each constraint of transfers and entries, violated by a row that is otherwise valid."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from uuid_utils.compat import uuid7

from accounts.enums import MONEY_MAX
from ledger_project.tests.replacing import drop_replace_guards
from transfers import services
from transfers.models import LedgerEntry, Transfer
from transfers.services import Order
from transfers.tests.ledgers import NOW


@pytest.fixture(autouse=True)
def constraints_alone(db):
    drop_replace_guards()


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
    """Insert a row, and assert that the error names the constraint, or its columns on SQLite."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        row.save(force_insert=True)

    assert any(name in str(refused.value) for name in names), refused.value


def a_transfer(order, **fields):
    """Return a valid transfer for the order, changed by ``fields``."""
    usual = {
        "kind": "TRANSFER",
        "source_id": order.source_id,
        "dest_id": order.dest_id,
        "amount": 10,
        "currency": "USD",
        "created_at": NOW,
    }
    if fields.get("kind") in ("HOLD", "CAPTURE", "VOID"):
        usual |= {"held": 10, "hold_sequence": 1_000}
    return Transfer(**{**usual, **fields})


@pytest.mark.parametrize("amount", [0, -1, MONEY_MAX + 1])
def test_an_amount_outside_its_bounds_is_refused(order, amount):
    assert_refused(a_transfer(order, amount=amount), "transfer_amount_within_bounds")


def test_a_transfer_from_an_account_to_itself_is_refused(order):
    same = a_transfer(order, dest_id=order.source_id)

    assert_refused(same, "transfer_accounts_differ")


@pytest.mark.parametrize("kind", ["GIFT", "", "transfer"])
def test_an_unknown_kind_is_refused(order, kind):
    assert_refused(a_transfer(order, kind=kind), "transfer_kind_known")


@pytest.mark.parametrize(("kind", "expires_at"), [("HOLD", None), ("TRANSFER", NOW)])
def test_only_a_hold_can_and_must_expire(order, kind, expires_at):
    odd = a_transfer(order, kind=kind, expires_at=expires_at)

    assert_refused(odd, "transfer_expires_only_if_hold")


@pytest.mark.parametrize("kind", ["CAPTURE", "VOID"])
def test_a_capture_or_void_without_a_hold_is_refused(order, kind):
    assert_refused(a_transfer(order, kind=kind), "transfer_resolves_only_if_capture_or_void")


@pytest.mark.parametrize("kind", ["DEPOSIT", "WITHDRAWAL", "TRANSFER"])
def test_no_other_kind_can_resolve_a_hold(order, hold, kind):
    odd = a_transfer(order, kind=kind, hold=hold)

    assert_refused(odd, "transfer_resolves_only_if_capture_or_void")


def test_a_reversal_without_an_original_is_refused(order):
    assert_refused(a_transfer(order, kind="REVERSAL"), "transfer_reverses_only_if_reversal")


@pytest.mark.parametrize("kind", ["DEPOSIT", "WITHDRAWAL", "TRANSFER"])
def test_no_other_kind_can_reverse_a_transfer(order, paid, kind):
    odd = a_transfer(order, kind=kind, reverses=paid)

    assert_refused(odd, "transfer_reverses_only_if_reversal")


def test_a_hold_cannot_be_resolved_twice(order, hold, staff):
    services.capture(hold_id=hold.pk, actor=staff, amount=4)

    second = a_transfer(order, kind="VOID", hold=hold)

    assert_refused(second, "transfers_transfer_hold_id_key", "transfers_transfer.hold_id")


@pytest.mark.parametrize(
    "fields",
    [
        {"held": None},
        {"hold_sequence": None},
        {"held": -1},
        {"held": MONEY_MAX + 1},
        {"hold_sequence": 0},
    ],
)
def test_a_hold_without_a_valid_held_amount_and_sequence_is_refused(order, fields):
    odd = a_transfer(order, kind="HOLD", expires_at=NOW, **fields)

    assert_refused(odd, "transfer_held_only_if_it_changes")


@pytest.mark.parametrize("fields", [{"held": 0}, {"hold_sequence": 1}])
@pytest.mark.parametrize("kind", ["DEPOSIT", "WITHDRAWAL", "TRANSFER"])
def test_no_other_kind_has_a_held_amount_or_a_hold_sequence(order, kind, fields):
    assert_refused(a_transfer(order, kind=kind, **fields), "transfer_held_only_if_it_changes")


def test_a_source_has_each_hold_sequence_once(order, hold):
    second = a_transfer(order, kind="HOLD", expires_at=NOW, hold_sequence=hold.hold_sequence)

    assert_refused(
        second,
        "transfer_hold_sequence_once_per_source",
        "transfers_transfer.source_id, transfers_transfer.hold_sequence",
    )


def test_a_transfer_cannot_be_reversed_twice(order, paid, staff):
    services.reverse(transfer_id=paid.pk, actor=staff)

    parties = {"source_id": order.dest_id, "dest_id": order.source_id}
    second = a_transfer(order, kind="REVERSAL", reverses=paid, **parties)

    assert_refused(second, "transfers_transfer_reverses_id_key", "transfers_transfer.reverses_id")


def an_entry(account, **fields):
    """Return the next entry of an account, a CREDIT of 10 by a transfer that doesn't exist yet."""
    version = account.version + 1
    usual = {"ts": NOW, "account": account, "type": "CREDIT", "amount": 10, "sequence": version}
    given = {**usual, "balance": account.balance + 10, "transfer_id": uuid7(), **fields}
    return LedgerEntry(**given)


@pytest.mark.parametrize("amount", [0, -1, MONEY_MAX + 1])
def test_an_entry_amount_outside_its_bounds_is_refused(mine, amount):
    assert_refused(an_entry(mine, amount=amount), "entry_amount_within_bounds")


@pytest.mark.parametrize("balance", [MONEY_MAX + 1, -MONEY_MAX - 1])
def test_an_entry_balance_outside_its_bounds_is_refused(mine, balance):
    assert_refused(an_entry(mine, balance=balance), "entry_balance_within_bounds")


@pytest.mark.parametrize("side", ["LEFT", "", "credit"])
def test_an_entry_that_is_neither_debit_nor_credit_is_refused(mine, side):
    assert_refused(an_entry(mine, type=side), "entry_type_known")


@pytest.mark.parametrize("given", [{"sequence": 0}, {"sequence": None}, {"balance": None}])
def test_an_entry_has_a_sequence_from_one_and_a_balance_or_neither(mine, given):
    assert_refused(an_entry(mine, **given), "entry_sequence_from_one")


def test_a_sequence_cannot_be_used_twice_in_an_account(mine):
    fork = an_entry(mine, sequence=mine.version)

    assert_refused(
        fork,
        "entry_sequence_once_per_account",
        "transfers_ledgerentry.account_id, transfers_ledgerentry.sequence",
    )


def test_a_transfer_cannot_have_two_debits_or_two_credits(mine, paid):
    mine.refresh_from_db()
    third = an_entry(mine, transfer_id=paid.pk)

    assert_refused(
        third,
        "entry_one_debit_one_credit_per_transfer",
        "transfers_ledgerentry.transfer_id, transfers_ledgerentry.type",
    )
