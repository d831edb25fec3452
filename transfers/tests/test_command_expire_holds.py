"""`manage.py expire_holds`."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from accounts import services as account_services
from accounts.models import Account
from transfers import services
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.services import Order

AT_ONCE = timedelta(microseconds=1)
WEEK = timedelta(days=7)


@pytest.fixture
def place(alice, bob, funded_account):
    """Return a function that places holds on a new account of alice's."""
    dest = funded_account(bob)

    def holds(count: int, expires_in: timedelta) -> Account:
        source = funded_account(alice, 1_000)
        order = Order(source_id=source.pk, dest_id=dest.pk, amount=100)
        for _ in range(count):
            services.hold(order=order, expires_in=expires_in, actor=alice)
        return source

    return holds


def expire_holds() -> str:
    out = StringIO()
    call_command("expire_holds", stdout=out)
    return out.getvalue()


def held(account) -> int:
    return Account.objects.get(pk=account.pk).held


def test_only_expired_holds_are_released(place, assert_books_balance):
    two, three, pending = place(2, AT_ONCE), place(3, AT_ONCE), place(1, WEEK)

    printed = expire_holds()

    assert printed == "Released 5 expired holds.\n"
    assert [held(account) for account in (two, three, pending)] == [0, 0, 100]
    assert_books_balance()


def test_a_release_is_a_void_without_a_user(place):
    source = place(1, AT_ONCE)

    expire_holds()

    release = Transfer.objects.get(kind=Kind.VOID)
    assert (release.source_id, release.amount, release.created_by) == (source.pk, 100, None)
    assert release.hold == Transfer.objects.get(kind=Kind.HOLD)


def test_a_second_run_releases_nothing(place):
    place(2, AT_ONCE)
    expire_holds()

    printed = expire_holds()

    assert printed == "Released 0 expired holds.\n"
    assert Transfer.objects.filter(kind=Kind.VOID).count() == 2


def test_a_hold_of_a_frozen_account_is_released_too(place, staff):
    source = place(1, AT_ONCE)
    account_services.freeze(account_id=source.pk, actor=staff)

    expire_holds()

    assert held(source) == 0


@pytest.mark.django_db(transaction=True)
def test_concurrent_runs_release_each_hold_once(place, race, assert_books_balance):
    sources = [place(2, AT_ONCE) for _ in range(5)]

    printed = race(*[expire_holds] * 4)

    assert sum(int(line.split()[1]) for line in printed) == 10
    assert Transfer.objects.filter(kind=Kind.VOID).count() == 10
    assert [held(source) for source in sources] == [0] * 5
    assert_books_balance()
