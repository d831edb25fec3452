"""A test with real commits leaves behind only what ``migrate`` writes."""

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import TransactionTestCase

from accounts.models import Account, AccountKind
from database import guards
from ledger_project.permissions import GROUPS
from ledger_project.tests.emptying import emptying, kept_rows

pytestmark = pytest.mark.django_db(transaction=True)


def assert_only_what_migrate_writes_is_left() -> None:
    assert not User.objects.exists()
    assert not Account.objects.exclude(kind=AccountKind.EXTERNAL).exists()
    assert Account.objects.filter(kind=AccountKind.EXTERNAL).exists()
    assert {*Group.objects.values_list("name", flat=True)} == {*GROUPS}
    assert guards.missing(connection) == []


def test_all_rows_are_deleted_and_a_dropped_guard_is_installed_again(alice, funded_account):
    funded_account(alice, balance=5)
    rows, [dropped, *_] = kept_rows(), guards.SETS
    dropped.drop(connection, dropped.names(connection)[0])

    emptying(rows)(TransactionTestCase("__init__"))

    assert_only_what_migrate_writes_is_left()
    assert kept_rows() == rows


@pytest.mark.parametrize("change", ["rename", "delete", "create"])
def test_a_changed_group_is_created_anew(alice, funded_account, change):
    funded_account(alice, balance=5)
    rows = kept_rows()
    match change:
        case "rename":
            Group.objects.filter(name="Support").update(name="Others")
        case "delete":
            Group.objects.get(name="Support").delete()
        case "create":
            Group.objects.create(name="Others")

    emptying(rows)(TransactionTestCase("__init__"))

    assert_only_what_migrate_writes_is_left()
    assert kept_rows() == rows
