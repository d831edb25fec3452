"""The services that change accounts: their effects, permissions and records."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from accounts import services
from accounts.enums import MONEY_MAX
from accounts.exceptions import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    AccountNotFound,
    OverdraftInUse,
)
from accounts.models import Account, AccountChange, external_account_id
from transfers import services as transfers
from transfers.services import Order


@pytest.fixture
def mine(alice, funded_account):
    return funded_account(alice, owner_name="Alice", metadata={"colour": "red"})


@pytest.fixture
def funded(alice, funded_account):
    return funded_account(alice, 100)


def row(account):
    """Return all columns of an account's row."""
    return Account.objects.filter(pk=account.pk).values().get()


def changes():
    """Return all recorded changes: account, actor, action, before, after and reason."""
    columns = ("account", "actor", "action", "before", "after", "reason")
    return list(AccountChange.objects.order_by("pk").values_list(*columns))


def assert_refused(refusal, account, call, **arguments):
    """Assert that ``call`` raises ``refusal`` and changes and records nothing; return the error."""
    before = row(account), changes()

    with pytest.raises(refusal) as refused:
        call(**arguments)

    assert (row(account), changes()) == before
    return refused.value


@pytest.mark.parametrize("actor", ["alice", "staff"])
def test_renaming_an_account_is_recorded(request, mine, actor):
    actor, before = request.getfixturevalue(actor), row(mine)

    returned = services.describe(account_id=mine.pk, actor=actor, owner_name="Alice Smith")

    assert row(mine) == {
        **before,
        "owner_name": "Alice Smith",
        "owner_name_folded": "alice smith",
    }
    assert returned.owner_name == "Alice Smith"
    assert changes() == [(mine.pk, actor.pk, "RENAME", "Alice", "Alice Smith", "")]


def test_metadata_is_replaced_as_a_whole_and_not_recorded(alice, mine):
    before = row(mine)

    services.describe(account_id=mine.pk, actor=alice, metadata={"size": "small"})

    assert row(mine) == {**before, "metadata": {"size": "small"}}
    assert changes() == []


@pytest.mark.parametrize("given", [{}, {"owner_name": "Alice"}])
def test_an_update_that_changes_nothing_is_not_recorded(alice, mine, given):
    before = row(mine)

    services.describe(account_id=mine.pk, actor=alice, **given)

    assert (row(mine), changes()) == (before, [])


@pytest.mark.parametrize("verb", [services.freeze, services.close])
def test_describe_works_in_any_status(staff, mine, verb):
    verb(account_id=mine.pk, actor=staff)

    returned = services.describe(
        account_id=mine.pk, actor=staff, owner_name="A", metadata={"a": "b"}
    )

    stored = row(mine)
    assert (stored["owner_name"], stored["metadata"]) == ("A", {"a": "b"})
    assert (returned.owner_name, returned.metadata) == ("A", {"a": "b"})


def test_freezing_and_unfreezing_are_recorded_with_their_reasons(staff, mine):
    before = row(mine)

    frozen = services.freeze(account_id=mine.pk, actor=staff, reason="Stolen phone")
    while_frozen = row(mine)
    open_again = services.unfreeze(account_id=mine.pk, actor=staff, reason="Found it")

    assert (frozen.status, while_frozen) == ("FROZEN", {**before, "status": "FROZEN"})
    assert (open_again.status, row(mine)) == ("OPEN", before)
    assert changes() == [
        (mine.pk, staff.pk, "FREEZE", "OPEN", "FROZEN", "Stolen phone"),
        (mine.pk, staff.pk, "UNFREEZE", "FROZEN", "OPEN", "Found it"),
    ]


def test_an_account_with_money_can_be_frozen(staff, funded):
    frozen = services.freeze(account_id=funded.pk, actor=staff)

    assert (frozen.status, frozen.balance) == ("FROZEN", 100)


@pytest.mark.parametrize("actor", ["alice", "staff"])
def test_an_empty_account_can_be_closed(request, mine, actor):
    actor, before = request.getfixturevalue(actor), row(mine)

    closed = services.close(account_id=mine.pk, actor=actor, reason="Moved away")

    assert (closed.status, row(mine)) == ("CLOSED", {**before, "status": "CLOSED"})
    assert changes() == [(mine.pk, actor.pk, "CLOSE", "OPEN", "CLOSED", "Moved away")]


@pytest.mark.parametrize(
    ("first", "again", "status"),
    [
        (services.freeze, services.freeze, "FROZEN"),
        (services.close, services.close, "CLOSED"),
        (None, services.unfreeze, "OPEN"),
    ],
)
def test_changing_to_the_current_status_changes_nothing(staff, mine, first, again, status):
    if first:
        first(account_id=mine.pk, actor=staff)
    before = row(mine), changes()

    returned = again(account_id=mine.pk, actor=staff)

    assert returned.status == status
    assert (row(mine), changes()) == before


@pytest.mark.parametrize("verb", [services.freeze, services.unfreeze])
def test_a_closed_account_cannot_be_frozen_or_unfrozen(staff, mine, verb):
    services.close(account_id=mine.pk, actor=staff)

    refusal = assert_refused(AccountClosed, mine, verb, account_id=mine.pk, actor=staff)

    assert refusal.evidence == {"account_id": mine.pk}


def test_closing_a_frozen_account_is_refused(alice, staff, mine):
    services.freeze(account_id=mine.pk, actor=staff)

    refusal = assert_refused(AccountFrozen, mine, services.close, account_id=mine.pk, actor=alice)

    assert refusal.evidence == {"account_id": mine.pk}


def test_closing_an_account_with_a_balance_is_refused(alice, funded):
    refusal = assert_refused(
        AccountNotEmpty, funded, services.close, account_id=funded.pk, actor=alice
    )

    assert refusal.evidence == {"account_id": funded.pk, "balance": 100, "held": 0}


def test_closing_an_account_with_a_hold_on_its_overdraft_is_refused(
    alice, bob, staff, mine, funded_account
):
    services.set_overdraft_limit(account_id=mine.pk, actor=staff, limit=5)
    order = Order(source_id=mine.pk, dest_id=funded_account(bob).pk, amount=5)
    transfers.hold(order=order, expires_in=timedelta(days=1), actor=alice)

    refusal = assert_refused(AccountNotEmpty, mine, services.close, account_id=mine.pk, actor=alice)

    assert refusal.evidence == {"account_id": mine.pk, "balance": 0, "held": 5}


def test_setting_a_limit_is_recorded(staff, mine):
    before = row(mine)

    returned = services.set_overdraft_limit(
        account_id=mine.pk, actor=staff, limit=50, reason="Good customer"
    )

    assert row(mine) == {**before, "overdraft_limit": 50}
    assert (returned.overdraft_limit, returned.available) == (50, 50)
    action = (mine.pk, staff.pk, "SET_OVERDRAFT_LIMIT", "0", "50", "Good customer")
    assert changes() == [action]


def test_setting_the_same_limit_is_not_recorded(staff, mine):
    before = row(mine)

    services.set_overdraft_limit(account_id=mine.pk, actor=staff, limit=0)

    assert (row(mine), changes()) == (before, [])


def test_a_limit_cannot_be_lowered_below_the_overdraft_in_use(alice, staff, mine):
    services.set_overdraft_limit(account_id=mine.pk, actor=staff, limit=50)
    transfers.withdraw(account_id=mine.pk, amount=30, actor=alice)
    given = {"account_id": mine.pk, "actor": staff}

    refusal = assert_refused(OverdraftInUse, mine, services.set_overdraft_limit, **given, limit=29)
    lowered = services.set_overdraft_limit(**given, limit=30)

    assert refusal.evidence == {"account_id": mine.pk, "used": 30, "limit": 29}
    assert (lowered.overdraft_limit, lowered.available) == (30, 0)


def test_the_limit_of_a_closed_account_cannot_be_set(staff, mine):
    services.close(account_id=mine.pk, actor=staff)
    given = {"account_id": mine.pk, "actor": staff, "limit": 5}

    assert_refused(AccountClosed, mine, services.set_overdraft_limit, **given)


@pytest.mark.parametrize("limit", [-1, MONEY_MAX + 1])
def test_the_database_refuses_a_limit_out_of_bounds(staff, funded, limit):
    before = row(funded)

    with pytest.raises(IntegrityError, match="overdraft_limit_within"), transaction.atomic():
        services.set_overdraft_limit(account_id=funded.pk, actor=staff, limit=limit)

    assert (row(funded), changes()) == (before, [])


FOR_STAFF = [
    (services.freeze, {}),
    (services.unfreeze, {}),
    (services.set_overdraft_limit, {"limit": 5}),
]


@pytest.mark.parametrize(("verb", "arguments"), FOR_STAFF)
def test_an_owner_cannot_freeze_unfreeze_or_set_the_limit_of_their_account(
    alice, mine, verb, arguments
):
    assert_refused(PermissionDenied, mine, verb, account_id=mine.pk, actor=alice, **arguments)


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [(services.describe, {"owner_name": "Mine now"}), (services.close, {}), *FOR_STAFF],
)
def test_changing_another_users_account_raises_not_found(bob, mine, verb, arguments):
    given = {"account_id": mine.pk, "actor": bob, **arguments}

    assert_refused(AccountNotFound, mine, verb, **given)


@pytest.mark.parametrize("account_id", [uuid4(), external_account_id("USD")])
@pytest.mark.parametrize(
    ("verb", "arguments"), [*FOR_STAFF, (services.close, {}), (services.describe, {})]
)
def test_changing_an_external_or_missing_account_raises_not_found_for_staff(
    staff, account_id, verb, arguments
):
    with pytest.raises(AccountNotFound):
        verb(account_id=account_id, actor=staff, **arguments)
