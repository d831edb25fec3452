"""A test with real commits leaves behind only what ``migrate`` writes."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import TransactionTestCase

from accounts.models import Account, AccountKind
from database import guards
from ledger_project.permissions import GROUPS
from ledger_project.tests.emptying import emptying, kept_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def empty(transactional_db) -> Callable[[], None]:
    """Return a function that restores the state from before the test."""
    teardown = emptying()
    return lambda: teardown(TransactionTestCase("__init__"))


def permissions_of_groups() -> set[tuple[str, str]]:
    return set(Group.objects.values_list("name", "permissions__codename"))


def assert_only_what_migrate_writes_is_left() -> None:
    assert not User.objects.exists()
    assert not Account.objects.exclude(kind=AccountKind.EXTERNAL).exists()
    assert Account.objects.filter(kind=AccountKind.EXTERNAL).exists()
    assert {*Group.objects.values_list("name", flat=True)} == {*GROUPS}
    assert guards.missing(connection) == []


def test_all_rows_are_deleted_and_a_dropped_guard_is_installed_again(empty, alice, funded_account):
    funded_account(alice, balance=5)
    rows, [dropped, *_] = kept_rows(), guards.SETS
    dropped.drop(connection, dropped.names(connection)[0])

    empty()

    assert_only_what_migrate_writes_is_left()
    assert kept_rows() == rows


@pytest.mark.parametrize("change", ["rename", "delete", "create"])
def test_a_changed_group_is_created_anew(empty, alice, funded_account, change):
    funded_account(alice, balance=5)
    before = permissions_of_groups()
    match change:
        case "rename":
            Group.objects.filter(name="Support").update(name="Others")
        case "delete":
            Group.objects.get(name="Support").delete()
        case "create":
            Group.objects.create(name="Others")

    empty()

    assert_only_what_migrate_writes_is_left()
    assert permissions_of_groups() == before
