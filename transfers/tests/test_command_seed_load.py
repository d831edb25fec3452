"""`manage.py seed_load`."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.enums import AccountKind
from accounts.models import Account
from audit.ledger import check_ledger
from transfers.models import LedgerEntry, Transfer


def seed(**options):
    output = StringIO()
    call_command("seed_load", stdout=output, **options)
    return output.getvalue()


def test_the_requested_entries_are_posted_and_the_books_balance(db, assert_books_balance):
    printed = seed(entries=600, accounts=20, users=4, busiest=90)

    assert printed == "Posted 600 entries in 20 accounts.\n"
    assert LedgerEntry.objects.count() == 600
    assert Transfer.objects.filter(kind="DEPOSIT").count() == 20
    assert_books_balance()
    assert check_ledger().ok


def test_the_first_account_has_the_requested_number_of_entries(db):
    seed(entries=600, accounts=20, users=4, busiest=90)

    first, *others = Account.objects.filter(kind=AccountKind.CUSTOMER).order_by("pk")
    assert first.version == 90
    # Each transfer has two entries. Those of EXTERNAL belong to the deposits.
    assert sum(account.version for account in others) == 600 - 90 - 20


def test_the_accounts_are_divided_among_the_users(db):
    seed(entries=40, accounts=6, users=2)

    accounts = Account.objects.filter(kind=AccountKind.CUSTOMER).order_by("pk")
    names = [account.owner.username for account in accounts.select_related("owner")]
    assert names == ["load-0", "load-1"] * 3


def test_drafts_that_need_several_transactions_are_all_posted(
    db, monkeypatch, assert_books_balance
):
    monkeypatch.setattr("transfers.management.commands.seed_load.BATCH", 7)

    seed(entries=100, accounts=5, users=1)

    assert LedgerEntry.objects.count() == 100
    assert_books_balance()


def test_the_requested_holds_of_the_first_account_are_all_resolved(db, monkeypatch):
    monkeypatch.setattr("transfers.management.commands.seed_load.BATCH", 7)

    seed(entries=40, accounts=5, users=1, busiest=9, holds=20)

    first = Account.objects.filter(kind=AccountKind.CUSTOMER).order_by("pk")[0]
    holds = Transfer.objects.filter(kind="HOLD")
    assert [held.source_id for held in holds] == [first.pk] * 20
    assert Transfer.objects.filter(kind="VOID").count() == 20
    assert not Transfer.objects.unresolved_holds().exists()
    assert (first.held, first.version) == (0, 9)
    assert check_ledger().ok


def test_a_ledger_that_has_users_is_not_changed(alice):
    with pytest.raises(CommandError, match="The ledger isn't empty"):
        seed(entries=600, accounts=20)

    assert list(User.objects.all()) == [alice]
    assert LedgerEntry.objects.count() == 0


@pytest.mark.parametrize(
    "options",
    [
        {"entries": 601, "accounts": 20},
        {"entries": 38, "accounts": 20},
        {"entries": 600, "accounts": 2},
        {"entries": 600, "accounts": 20, "users": 0},
        {"entries": 600, "accounts": 20, "busiest": 0},
        {"entries": 600, "accounts": 20, "busiest": 282},
    ],
)
def test_impossible_numbers_are_refused_and_change_nothing(db, options):
    with pytest.raises(CommandError):
        seed(**options)

    assert User.objects.count() == 0
    assert LedgerEntry.objects.count() == 0
