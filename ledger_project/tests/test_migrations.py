"""The migrations are complete, and can be applied and unapplied repeatedly."""

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from accounts.enums import AccountKind
from accounts.models import Account, external_account_id

APPS = ["accounts", "transfers", "idempotency", "ledger_project"]


def tables():
    return {
        name
        for name in connection.introspection.table_names()
        if name.startswith(tuple(f"{app}_" for app in APPS))
    }


def externals():
    accounts = Account.objects.filter(kind=AccountKind.EXTERNAL).order_by("currency")
    return [(account.currency, account.pk) for account in accounts]


def expected_externals(currencies):
    return [(currency, external_account_id(currency)) for currency in sorted(currencies)]


@pytest.fixture
def remigrate():
    """Restore all tables after a test."""
    yield
    call_command("migrate", verbosity=0)


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_each_currency_has_exactly_one_external_account():
    assert externals() == expected_externals(settings.CURRENCIES)


@pytest.mark.django_db(transaction=True)
def test_migrating_again_adds_nothing():
    before = set(Account.objects.values_list("pk", "created_at"))

    call_command("migrate", verbosity=0)

    assert len(before) == len(settings.CURRENCIES)
    assert set(Account.objects.values_list("pk", "created_at")) == before


@pytest.mark.django_db(transaction=True)
def test_the_next_migrate_opens_the_external_account_of_an_added_currency(settings):
    settings.CURRENCIES = [*settings.CURRENCIES, "CHF"]

    call_command("migrate", verbosity=0)

    assert externals() == expected_externals(settings.CURRENCIES)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("remigrate")
@pytest.mark.parametrize("app", ["accounts", "transfers", "idempotency", "ledger_project"])
def test_an_app_can_be_migrated_to_zero_and_back(app):
    before = tables()

    call_command("migrate", app, "zero", verbosity=0)
    without = tables()
    call_command("migrate", verbosity=0)

    assert [name for name in without if name.startswith(f"{app}_")] == []
    assert tables() == before
    assert externals() == expected_externals(settings.CURRENCIES)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("remigrate")
def test_transfers_work_on_recreated_tables(api, alice):
    call_command("migrate", "accounts", "zero", verbosity=0)
    call_command("migrate", verbosity=0)

    account = api.post("/accounts", {"owner_name": "Alice"}).json()
    response = api.post(f"/accounts/{account['id']}/deposit", {"amount": 5})

    assert response.status_code == 200
    assert response.json()["balance"] == 5
