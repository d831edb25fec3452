"""The rights to move the money of accounts."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied

from accounts.exceptions import AccountNotFound
from accounts.models import Account, external_account_id
from transfers import rights, services
from transfers.exceptions import TransferNotFound
from transfers.kinds import Kind
from transfers.services import Order

OWNER, STRANGER, STAFF, TELLER = "alice", "bob", "staff", "teller"


@pytest.fixture
def teller(make_user):
    """Return a user who isn't staff but may move the cash of any account."""
    return make_user("transfers.move_cash")


@pytest.fixture
def carol(make_user):
    """Return a user without any of the accounts."""
    return make_user(username="carol")


@pytest.fixture
def actor(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def mine(alice, funded_account):
    return funded_account(alice, 100)


@pytest.fixture
def theirs(bob, funded_account):
    return funded_account(bob, 100)


@pytest.fixture
def order(mine, theirs):
    return Order(source_id=mine.pk, dest_id=theirs.pk, amount=10)


def actors(**outcomes):
    return pytest.mark.parametrize(
        ("actor", "refusal"), outcomes.items(), indirect=["actor"], ids=outcomes.keys()
    )


def assert_outcome(refusal, call, **arguments):
    """Assert that a call raises ``refusal``, or succeeds if it is None."""
    if refusal is None:
        assert call(**arguments) is not None
    else:
        with pytest.raises(refusal):
            call(**arguments)


def test_an_unknown_account_raises_the_same_error_as_a_hidden_one(bob, mine):
    absent, accounts = uuid4(), {mine.pk: mine}

    with pytest.raises(AccountNotFound) as not_there:
        rights.require_own(Kind.TRANSFER, accounts, absent, bob)
    with pytest.raises(AccountNotFound) as not_yours:
        rights.require_own(Kind.TRANSFER, accounts, mine.pk, bob)

    said = not_there.value.detail.replace(str(absent), str(mine.pk))
    assert (not_yours.value.detail, not_yours.value.evidence) == (said, {})


@actors(alice=None, bob=AccountNotFound, staff=None, teller=AccountNotFound)
@pytest.mark.parametrize("expires_in", [None, timedelta(days=1)], ids=["transfer", "hold"])
def test_only_the_owner_and_staff_can_spend(actor, refusal, order, expires_in):
    call, wanted = services.transfer, {"order": order, "actor": actor}
    if expires_in:
        call, wanted = services.hold, {**wanted, "expires_in": expires_in}

    assert_outcome(refusal, call, **wanted)


@actors(alice=AccountNotFound, bob=None, staff=None, teller=AccountNotFound)
def test_an_order_is_requested_by_the_owner_that_its_kind_names(actor, refusal, order, monkeypatch):
    of_dest = replace(Kind.TRANSFER.rules, owners=("dest",))
    monkeypatch.setattr(Kind.TRANSFER, "rules", of_dest)

    assert_outcome(refusal, services.transfer, order=order, actor=actor)


def test_any_account_can_be_paid(bob, mine, theirs):
    order = Order(source_id=theirs.pk, dest_id=mine.pk, amount=10)

    services.transfer(order=order, actor=bob)

    assert Account.objects.get(pk=mine.pk).balance == 110


CASH = pytest.mark.parametrize("verb", [services.deposit, services.withdraw])


@CASH
@actors(alice=None, bob=AccountNotFound, staff=None, teller=None)
def test_owners_can_move_cash_by_default(actor, refusal, mine, verb):
    assert_outcome(refusal, verb, account_id=mine.pk, amount=10, actor=actor)


@CASH
@actors(alice=PermissionDenied, bob=AccountNotFound, staff=None, teller=None)
def test_without_self_service_only_staff_and_tellers_can_move_cash(
    actor, refusal, mine, verb, settings
):
    settings.SELF_SERVICE_CASH = False

    assert_outcome(refusal, verb, account_id=mine.pk, amount=10, actor=actor)


@CASH
@pytest.mark.parametrize("actor", [STAFF, TELLER], indirect=True)
@pytest.mark.parametrize("account_id", [uuid4(), external_account_id("USD")])
def test_cash_of_an_unknown_account_is_not_found(actor, verb, account_id):
    with pytest.raises(AccountNotFound):
        verb(account_id=account_id, amount=10, actor=actor)


@actors(
    alice=PermissionDenied, bob=None, staff=None, teller=TransferNotFound, carol=TransferNotFound
)
def test_the_owner_of_the_destination_can_capture_a_hold(alice, actor, refusal, order):
    hold = services.hold(order=order, expires_in=timedelta(days=1), actor=alice)

    assert_outcome(refusal, services.capture, hold_id=hold.pk, actor=actor)


@actors(alice=None, bob=None, staff=None, teller=TransferNotFound, carol=TransferNotFound)
def test_either_owner_can_void_a_hold(alice, actor, refusal, order):
    hold = services.hold(order=order, expires_in=timedelta(days=1), actor=alice)

    assert_outcome(refusal, services.void, hold_id=hold.pk, actor=actor)


@actors(
    alice=PermissionDenied, bob=None, staff=None, teller=TransferNotFound, carol=TransferNotFound
)
def test_the_owner_of_the_destination_can_reverse_a_transfer(alice, actor, refusal, order):
    transfer = services.transfer(order=order, actor=alice)

    assert_outcome(refusal, services.reverse, transfer_id=transfer.pk, actor=actor)


@actors(alice=None, bob=TransferNotFound, staff=None, teller=TransferNotFound)
def test_reversing_a_deposit_requires_the_right_to_move_cash(alice, actor, refusal, mine):
    deposit = services.deposit(account_id=mine.pk, amount=10, actor=alice)

    assert_outcome(refusal, services.reverse, transfer_id=deposit.pk, actor=actor)


@actors(alice=PermissionDenied, bob=TransferNotFound, staff=None)
def test_without_self_service_only_staff_can_reverse_a_deposit(
    staff, actor, refusal, mine, settings
):
    settings.SELF_SERVICE_CASH = False
    deposit = services.deposit(account_id=mine.pk, amount=10, actor=staff)

    assert_outcome(refusal, services.reverse, transfer_id=deposit.pk, actor=actor)


def test_without_self_service_a_teller_can_reverse_their_own_deposit(
    teller, funded_account, settings
):
    settings.SELF_SERVICE_CASH = False
    own = funded_account(teller, 100)
    deposit = services.deposit(account_id=own.pk, amount=10, actor=teller)

    services.reverse(transfer_id=deposit.pk, actor=teller)

    assert Account.objects.get(pk=own.pk).balance == 100


@actors(alice=PermissionDenied, bob=TransferNotFound, staff=None, teller=TransferNotFound)
def test_only_staff_can_reverse_a_withdrawal(alice, actor, refusal, mine):
    withdrawal = services.withdraw(account_id=mine.pk, amount=10, actor=alice)

    assert_outcome(refusal, services.reverse, transfer_id=withdrawal.pk, actor=actor)
