"""Who may move whose money."""

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
    """Somebody who may move anybody's cash and is no staff."""
    return make_user("transfers.move_cash")


@pytest.fixture
def carol(make_user):
    """A user who has nothing to do with the transfer."""
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
    """Call, and assert that it answers if there is no refusal, and is refused so if there is."""
    if refusal is None:
        assert call(**arguments) is not None
    else:
        with pytest.raises(refusal):
            call(**arguments)


def test_an_account_that_is_not_there_is_like_one_of_somebody_else(bob, mine):
    absent, accounts = uuid4(), {mine.pk: mine}

    with pytest.raises(AccountNotFound) as not_there:
        rights.require_own(Kind.TRANSFER, accounts, absent, bob)
    with pytest.raises(AccountNotFound) as not_yours:
        rights.require_own(Kind.TRANSFER, accounts, mine.pk, bob)

    said = not_there.value.detail.replace(str(absent), str(mine.pk))
    assert (not_yours.value.detail, not_yours.value.evidence) == (said, {})


@actors(alice=None, bob=AccountNotFound, staff=None, teller=AccountNotFound)
@pytest.mark.parametrize("expires_in", [None, timedelta(days=1)], ids=["transfer", "hold"])
def test_only_the_owner_and_staff_spend(actor, refusal, order, expires_in):
    call, wanted = services.transfer, {"order": order, "actor": actor}
    if expires_in:
        call, wanted = services.hold, {**wanted, "expires_in": expires_in}

    assert_outcome(refusal, call, **wanted)


def test_anybody_may_be_paid(bob, mine, theirs):
    order = Order(source_id=theirs.pk, dest_id=mine.pk, amount=10)

    services.transfer(order=order, actor=bob)

    assert Account.objects.get(pk=mine.pk).balance == 110


CASH = pytest.mark.parametrize("verb", [services.deposit, services.withdraw])


@CASH
@actors(alice=None, bob=AccountNotFound, staff=None, teller=None)
def test_owners_serve_themselves_with_cash_by_default(actor, refusal, mine, verb):
    assert_outcome(refusal, verb, account_id=mine.pk, amount=10, actor=actor)


@CASH
@actors(alice=PermissionDenied, bob=AccountNotFound, staff=None, teller=None)
def test_cash_can_be_for_staff_and_tellers_only(actor, refusal, mine, verb, settings):
    settings.SELF_SERVICE_CASH = False

    assert_outcome(refusal, verb, account_id=mine.pk, amount=10, actor=actor)


@CASH
@pytest.mark.parametrize("actor", [STAFF, TELLER], indirect=True)
@pytest.mark.parametrize("account_id", [uuid4(), external_account_id("USD")])
def test_there_is_no_cash_in_an_account_that_nobody_has(actor, verb, account_id):
    with pytest.raises(AccountNotFound):
        verb(account_id=account_id, amount=10, actor=actor)


@actors(
    alice=PermissionDenied, bob=None, staff=None, teller=TransferNotFound, carol=TransferNotFound
)
def test_the_owner_of_its_dest_captures_a_hold(alice, actor, refusal, order):
    hold = services.hold(order=order, expires_in=timedelta(days=1), actor=alice)

    assert_outcome(refusal, services.capture, hold_id=hold.pk, actor=actor)


@actors(alice=None, bob=None, staff=None, teller=TransferNotFound, carol=TransferNotFound)
def test_either_party_voids_a_hold(alice, actor, refusal, order):
    hold = services.hold(order=order, expires_in=timedelta(days=1), actor=alice)

    assert_outcome(refusal, services.void, hold_id=hold.pk, actor=actor)


@actors(
    alice=PermissionDenied, bob=None, staff=None, teller=TransferNotFound, carol=TransferNotFound
)
def test_who_was_credited_gives_back(alice, actor, refusal, order):
    transfer = services.transfer(order=order, actor=alice)

    assert_outcome(refusal, services.reverse, transfer_id=transfer.pk, actor=actor)


@actors(alice=None, bob=TransferNotFound, staff=None, teller=TransferNotFound)
def test_reversing_a_deposit_needs_the_right_to_withdraw(alice, actor, refusal, mine):
    deposit = services.deposit(account_id=mine.pk, amount=10, actor=alice)

    assert_outcome(refusal, services.reverse, transfer_id=deposit.pk, actor=actor)


@actors(alice=PermissionDenied, bob=TransferNotFound, staff=None)
def test_without_self_service_a_deposit_is_reversed_by_staff(staff, actor, refusal, mine, settings):
    settings.SELF_SERVICE_CASH = False
    deposit = services.deposit(account_id=mine.pk, amount=10, actor=staff)

    assert_outcome(refusal, services.reverse, transfer_id=deposit.pk, actor=actor)


def test_without_self_service_a_teller_still_reverses_a_deposit_of_their_own(
    teller, funded_account, settings
):
    settings.SELF_SERVICE_CASH = False
    own = funded_account(teller, 100)
    deposit = services.deposit(account_id=own.pk, amount=10, actor=teller)

    services.reverse(transfer_id=deposit.pk, actor=teller)

    assert Account.objects.get(pk=own.pk).balance == 100


@actors(alice=PermissionDenied, bob=TransferNotFound, staff=None, teller=TransferNotFound)
def test_reversing_a_withdrawal_is_for_staff(alice, actor, refusal, mine):
    withdrawal = services.withdraw(account_id=mine.pk, amount=10, actor=alice)

    assert_outcome(refusal, services.reverse, transfer_id=withdrawal.pk, actor=actor)
