"""What was tried is rolled back, or nothing goes on."""

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import Account
from database.rehearsal import rolled_back

pytestmark = pytest.mark.django_db(transaction=True)


def rename(account: Account, name: str) -> None:
    Account.objects.filter(pk=account.pk).update(owner_name=name)


def test_what_was_tried_is_rolled_back_and_the_transaction_goes_on(alice, funded_account):
    account = funded_account(alice)

    with transaction.atomic():
        rename(account, "Before")
        with rolled_back():
            rename(account, "Tried")
            assert Account.objects.get(pk=account.pk).owner_name == "Tried"

    assert Account.objects.get(pk=account.pk).owner_name == "Before"


def test_without_a_transaction_everything_is_rolled_back(alice, funded_account):
    account = funded_account(alice)

    with rolled_back():
        rename(account, "Tried")

    assert Account.objects.get(pk=account.pk).owner_name == account.owner_name


def test_a_connection_that_was_lost_meanwhile_is_an_error():
    refused = pytest.raises(OperationalError, match="couldn't be rolled back")

    with refused, transaction.atomic(), rolled_back():
        connection.connection.close()
