"""Expired holds don't prevent closing an account or lowering its overdraft limit."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import services
from accounts.exceptions import AccountNotEmpty, OverdraftInUse
from accounts.expiry import expired_holds
from accounts.models import Account, AccountChange
from accounts.tests.admin_pages import action_of, confirm, messages_of, preview
from transfers.models import Transfer
from transfers.tests.orders import expired_hold, hold_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def payee(bob, funded_account):
    return funded_account(bob)


@pytest.fixture
def account(alice, staff, payee, funded_account):
    """Return an account of alice's with a balance of 0 and an expired hold on its overdraft."""
    account = funded_account(alice)
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=50)
    expired_hold(account, payee, 40, actor=alice)
    account.refresh_from_db()
    return account


def releases() -> list[tuple]:
    """Return the amounts and creators of all VOIDs."""
    return list(Transfer.objects.filter(kind="VOID").values_list("amount", "created_by"))


def state(account) -> tuple:
    """Return the account's status, balance, held amount and overdraft limit."""
    account.refresh_from_db()
    return account.status, account.balance, account.held, account.overdraft_limit


def test_an_account_with_only_expired_holds_can_be_closed(alice, account):
    closed = services.close(account_id=account.pk, actor=alice)

    assert (closed.status, closed.held) == ("CLOSED", 0)
    assert state(account) == ("CLOSED", 0, 0, 50)
    assert releases() == [(40, None)]


def test_a_limit_that_only_expired_holds_use_can_be_lowered(staff, account):
    lowered = services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=0)

    assert (lowered.overdraft_limit, lowered.held) == (0, 0)
    assert state(account) == ("OPEN", 0, 0, 0)
    assert releases() == [(40, None)]


def test_setting_a_limit_releases_no_expired_hold_that_fits_in_it(staff, account):
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=40)

    assert state(account) == ("OPEN", 0, 40, 40)
    assert releases() == []


def test_a_refused_close_releases_no_expired_hold(alice, account, payee):
    hold_order(account, payee, 10, actor=alice)
    before = state(account)

    with pytest.raises(AccountNotEmpty) as refused:
        services.close(account_id=account.pk, actor=alice)

    assert refused.value.evidence == {"account_id": account.pk, "balance": 0, "held": 10}
    assert (state(account), releases()) == (before, [])


def test_a_refused_limit_releases_no_expired_hold(alice, staff, account, payee):
    hold_order(account, payee, 10, actor=alice)
    before = state(account)

    with pytest.raises(OverdraftInUse) as refused:
        services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=9)

    assert refused.value.evidence == {"account_id": account.pk, "used": 10, "limit": 9}
    assert (state(account), releases()) == (before, [])


def test_a_pending_hold_prevents_closing_and_a_lower_limit(alice, staff, payee, funded_account):
    account = funded_account(alice)
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=50)
    hold_order(account, payee, 40, actor=alice)

    with pytest.raises(AccountNotEmpty):
        services.close(account_id=account.pk, actor=alice)
    with pytest.raises(OverdraftInUse):
        services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=39)

    assert state(account) == ("OPEN", 0, 40, 50)


def test_without_a_held_amount_expired_holds_are_not_looked_up(alice, funded_account):
    account = funded_account(alice)

    with CaptureQueriesContext(connection) as asked:
        expired = expired_holds(account)

    assert (expired.amount, len(asked)) == (0, 0)


def test_an_owner_closes_an_account_with_an_expired_hold_over_the_api(api, account):
    response = api.post(f"/accounts/{account.pk}/close")

    assert (response.status_code, response.json()["status"]) == (200, "CLOSED")
    assert releases() == [(40, None)]


def test_staff_close_an_account_with_an_expired_hold_in_the_admin(officer, account):
    asked = officer.get(action_of(account, "close"))
    released_by_asking = releases()
    closed = confirm(officer, action_of(account, "close"), reason="Moved away")

    assert preview(asked)["alice"]["Held"] == ("0.40 USD", "0.00 USD")
    assert released_by_asking == []
    assert messages_of(closed) == [("success", f"{account} is now closed.")]
    assert state(account) == ("CLOSED", 0, 0, 50)


def test_staff_lower_the_limit_of_an_account_with_an_expired_hold(officer, account):
    confirm(officer, action_of(account, "limit"), overdraft_limit="0.00", reason="As asked")

    assert state(account) == ("OPEN", 0, 0, 0)
    assert AccountChange.objects.latest("pk").after == "0"
    assert Account.objects.get(pk=account.pk).available == 0
