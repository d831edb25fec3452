"""The model of an account: its methods, and each of its constraints, broken by a query."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from accounts.enums import MONEY_MAX
from accounts.models import Account, AccountChange, ensure_external_accounts, external_account_id
from accounts.services import freeze
from transfers.guards import guards


@pytest.fixture
def mine(alice, funded_account):
    return funded_account(alice, 100)


def account_of(owner, **fields):
    """Return an account that isn't saved."""
    return Account(owner=owner, **{"owner_name": "Somebody", "currency": "USD", **fields})


@pytest.fixture(autouse=True)
def without_guards_that_hide_constraints(db):
    """Drop the guards that would refuse a status or a limit before the constraints do."""
    guards.drop(connection, "account_opened", "account_recorded")


def assert_update_refused(account_id, name, **fields):
    """Assert that the constraint of this name refuses an update of an account's row."""
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Account.objects.filter(pk=account_id).update(**fields)


def assert_insert_refused(account, name):
    """Assert that the constraint of this name refuses to insert an account."""
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        account.save(force_insert=True)


@pytest.mark.parametrize(
    "figures",
    [
        {"balance": -1},
        {"held": 101},
        {"balance": -11, "overdraft_limit": 10},
        {"balance": 5, "held": 16, "overdraft_limit": 10},
    ],
)
def test_an_account_is_never_overdrawn(mine, figures):
    assert_update_refused(mine.pk, "account_never_overdrawn", **figures)


def test_a_balance_is_within_bounds(mine):
    assert_update_refused(mine.pk, "account_balance_within_bounds", balance=MONEY_MAX + 1)


@pytest.mark.parametrize(
    "figures",
    [{"held": -1}, {"balance": MONEY_MAX, "held": MONEY_MAX + 1, "overdraft_limit": 1}],
)
def test_a_held_amount_is_within_bounds(mine, figures):
    assert_update_refused(mine.pk, "account_held_within_bounds", **figures)


@pytest.mark.parametrize("limit", [-1, MONEY_MAX + 1])
def test_an_overdraft_limit_is_within_bounds(mine, limit):
    assert_update_refused(mine.pk, "account_overdraft_limit_within_bounds", overdraft_limit=limit)


def test_a_version_is_not_negative(mine):
    assert_update_refused(mine.pk, "account_version_not_negative", version=-1)


def test_a_hold_version_is_not_negative(mine):
    assert_update_refused(mine.pk, "account_hold_version_not_negative", hold_version=-1)


@pytest.mark.parametrize(
    "figures", [{"balance": 1}, {"balance": 0, "held": 1, "overdraft_limit": 1}]
)
def test_a_closed_account_is_empty(mine, figures):
    assert_update_refused(mine.pk, "account_closed_is_empty", status="CLOSED", **figures)


@pytest.mark.parametrize("status", ["ODD", "", "open"])
def test_an_account_has_a_known_status(mine, status):
    assert_update_refused(mine.pk, "account_status_known", status=status)


@pytest.mark.parametrize("kind", ["ODD", "", "customer"])
def test_an_account_has_a_known_kind(alice, kind):
    assert_insert_refused(account_of(alice, kind=kind), "account_kind_known")


def test_a_customer_account_has_an_owner(db):
    assert_insert_refused(account_of(None), "account_external_has_no_owner")


def test_an_external_account_has_no_owner(alice):
    owned = account_of(alice, kind="EXTERNAL", currency="CHF", id=external_account_id("CHF"))

    assert_insert_refused(owned, "account_external_has_no_owner")


@pytest.mark.parametrize(
    "figure", ["balance", "held", "version", "hold_version", "overdraft_limit"]
)
def test_an_external_account_stores_no_figures(db, figure):
    outside = external_account_id("USD")

    assert_update_refused(outside, "account_external_keeps_no_balance", **{figure: 1})


@pytest.mark.parametrize("status", ["FROZEN", "CLOSED"])
def test_an_external_account_stays_open_even_if_a_change_is_recorded(staff, status):
    outside = external_account_id("USD")
    action = {"FROZEN": "FREEZE", "CLOSED": "CLOSE"}[status]
    AccountChange.objects.create(
        account_id=outside, actor=staff, action=action, before="OPEN", after=status
    )

    assert_update_refused(outside, "account_external_stays_open", status=status)


def test_an_external_account_has_the_id_for_its_currency(db):
    misplaced = account_of(None, kind="EXTERNAL", currency="CHF", id=external_account_id("CHE"))

    assert_insert_refused(misplaced, "account_external_id")


def test_there_is_one_external_account_per_currency(db):
    # This guard would require the second account to have the id of the first.
    guards.drop(connection, "account_external_id")
    second = account_of(None, kind="EXTERNAL")
    # SQLite's error names the column of a unique index and not the index.
    name = "account_one_external_per_currency|UNIQUE constraint failed: accounts_account.currency"

    assert_insert_refused(second, name)
    account_of(None, kind="EXTERNAL", currency="CHF").save(force_insert=True)

    assert Account.objects.filter(kind="EXTERNAL", currency="CHF").count() == 1


@pytest.mark.parametrize("change", [{"kind": "EXTERNAL", "owner": None}, {"currency": "EUR"}])
def test_the_kind_and_currency_of_an_account_cannot_change(bob, funded_account, change):
    empty = funded_account(bob)
    if "kind" in change:
        change = {**change, "currency": "CHF"}

    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.filter(pk=empty.pk).update(**change)


def test_the_id_of_an_external_account_contains_the_currency_code(settings, db):
    outside = Account.objects.filter(kind="EXTERNAL")

    assert str(external_account_id("USD")) == "00000000-0000-7000-8000-000000555344"
    assert {account.currency: account.pk for account in outside} == {
        currency: external_account_id(currency) for currency in ("USD", "EUR", "GBP", "JPY")
    }


def test_a_new_currency_gets_an_external_account_and_the_others_keep_theirs(settings, db):
    before = set(Account.objects.values_list("pk", flat=True))
    settings.CURRENCIES = ["USD", "CHF"]

    ensure_external_accounts()
    ensure_external_accounts()

    assert set(Account.objects.values_list("pk", flat=True)) == {
        *before,
        external_account_id("CHF"),
    }


def test_users_see_their_own_accounts_and_staff_see_all_customer_accounts(
    alice, bob, staff, mine, funded_account
):
    theirs = funded_account(bob)
    users = (alice, bob, staff, AnonymousUser())

    seen = [set(Account.objects.visible_to(user)) for user in users]

    assert seen == [{mine}, {theirs}, {mine, theirs}, set()]


def test_external_accounts_are_never_locked(alice, mine, funded_account):
    other, outside = funded_account(alice), external_account_id("USD")

    with transaction.atomic():
        locked = Account.objects.locked(other.pk, outside, mine.pk)

    assert list(locked.items()) == sorted([(mine.pk, mine), (other.pk, other)])


def test_an_account_is_named_by_owner_name_currency_and_id(mine):
    external = Account.objects.get(pk=external_account_id("USD"))

    assert str(mine) == f"alice USD {mine.pk}"
    assert str(external) == f"External USD {external.pk}"


def test_available_is_balance_minus_held_plus_overdraft_limit():
    assert Account(balance=100, held=30, overdraft_limit=7).available == 77


def test_accounts_with_changes_and_their_users_cannot_be_deleted(alice, staff, mine):
    freeze(account_id=mine.pk, actor=staff)

    for kept in (alice, staff, mine):
        with pytest.raises(ProtectedError):
            kept.delete()

    assert AccountChange.objects.filter(account=mine, actor=staff).count() == 1


def test_the_database_stores_money_as_integers(mine):
    with connection.cursor() as cursor:
        cursor.execute("SELECT balance FROM accounts_account WHERE balance <> 0")
        [(balance,)] = cursor.fetchall()

    assert (type(balance), balance) == (int, 100)
