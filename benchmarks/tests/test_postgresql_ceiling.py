"""The ceiling writes the ledger's tables by hand. It must keep up with their columns and guards."""

import json

import pytest
from django.db import connection

from audit.ledger import check_ledger
from benchmarks import ceiling
from benchmarks.ceiling import CEILINGS, HERE, Ceiling
from benchmarks.database import Database
from transfers.models import LedgerEntry, Transfer

pytestmark = pytest.mark.django_db(transaction=True)

SAMPLE = {"fingerprint": "0" * 64, "headers": json.dumps({}), "body": '{"id": "1"}'}


@pytest.fixture
def database() -> Database:
    """Return the test database, with the accounts of the ceiling and with the guards."""
    address = {key.lower(): value for key, value in connection.settings_dict.items()}
    host = f"{address['host']}:{address['port']}"
    url = f"postgresql://{address['user']}:{address['password']}@{host}/{address['name']}"
    test_database = Database(url, address["name"])
    with connection.cursor() as cursor:
        cursor.execute((HERE / "ceiling_accounts.sql").read_text())
    yield test_database
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION ceiling_account, ceiling_owner")


def transfers() -> list[Transfer]:
    return list(Transfer.objects.filter(kind="TRANSFER").order_by("pk"))


@pytest.mark.parametrize("hot", [False, True])
def test_each_transaction_of_the_ceiling_is_a_complete_transfer(database, hot):
    measured = ceiling.measure(database, Ceiling(4, hot=hot), SAMPLE, seconds=None)

    assert measured.done == 4
    assert len(transfers()) == 4
    assert LedgerEntry.objects.filter(transfer__kind="TRANSFER").count() == 8
    assert [check for check in check_ledger().checks if check.findings] == []


def test_every_transfer_of_the_hot_ceiling_goes_into_one_account(database):
    ceiling.measure(database, Ceiling(8, hot=True), SAMPLE, seconds=None)

    dests = {str(transfer.dest_id) for transfer in transfers()}
    assert dests == {"01900000-0000-7000-8000-000000000001"}


def test_the_ceilings_have_as_many_clients_as_the_workloads_have_connections():
    clients = {name: each.clients for name, each in CEILINGS.items()}

    assert clients == {
        "ceiling (1)": 1,
        "ceiling (8)": 8,
        "ceiling (32)": 32,
        "ceiling (64)": 64,
        "ceiling, guarded": 8,
        "ceiling, into one": 32,
    }
