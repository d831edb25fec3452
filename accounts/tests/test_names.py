"""Every way of writing an owner name also writes its folded form."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import services
from accounts.models import Account

pytestmark = pytest.mark.django_db


def opened(owner):
    return Account.objects.create(owner=owner, owner_name="Anna", currency="USD")


def by_create(owner):
    return Account.objects.create(owner=owner, owner_name="Strauß", currency="USD")


def by_bulk_create(owner):
    new = Account(owner=owner, owner_name="Strauß", currency="USD")
    return Account.objects.bulk_create([new])[0]


def by_renaming(owner):
    return services.describe(account_id=opened(owner).pk, actor=owner, owner_name="Strauß")


def by_update(owner):
    account = opened(owner)
    Account.objects.filter(pk=account.pk).update(owner_name="Strauß")
    return account


def by_bulk_update(owner):
    account = opened(owner)
    account.owner_name = "Strauß"
    Account.objects.bulk_update([account], ["owner_name"])
    return account


@pytest.mark.parametrize(
    "write", [by_create, by_bulk_create, by_renaming, by_update, by_bulk_update]
)
def test_every_way_of_writing_a_name_folds_it(alice, write):
    written = write(alice)

    assert list(Account.objects.named("STRAUSS")) == [written]
    assert list(Account.objects.named("Anna")) == []


def test_a_folded_name_cannot_be_null(alice):
    account = opened(alice)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_account SET owner_name_folded = NULL WHERE owner_name = %s",
            [account.owner_name],
        )
