"""
A ledger in a schema that Citus distributes, set up by the commands of docs/citus.md.

``make test-citus`` runs this, and not ``make test``. ``LEDGER_TEST_CITUS_URL`` names a database of
a Citus coordinator, with a role that may create schemas in it.
"""

import re
from collections.abc import Iterator

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from accounts.models import Account
from audit.ledger import check_ledger
from conftest import LedgerClient
from database import guards
from ledger_project.tests.pages import text
from transfers import services
from transfers.kinds import Kind
from transfers.movements import Order
from transfers.tests.attacks import ATTACKS
from transfers.tests.handwritten import HandwrittenLedger

SCHEMA = "ledger_test"
RECIPE = re.compile(r"```sql\n\s*-- As the owner of the schema\.\n(.*?)```", re.DOTALL)

# Attacks that Citus can't run: they create objects on the coordinator only, or select a record.
NOT_RUN = {
    "an intruder's table that shadows the real one",
    "an intruder's operator that makes unequal values equal",
    "an account opened frozen",
}
# Deferred guards refuse at the commit of another node, which Citus reports as an internal error.
DEFERRED = {"account_agrees", "entry_transfer"}
REFUSED = {"23000", "23514"}


@pytest.fixture(scope="module", autouse=True)
def distributed(django_db_blocker) -> Iterator[None]:
    """A migrated ledger in a distributed schema."""
    with django_db_blocker.unblock():
        run(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE", f"CREATE SCHEMA {SCHEMA}")
        connection.close()
        connection.settings_dict["OPTIONS"]["options"] += f" -csearch_path={SCHEMA}"
        call_command("migrate", verbosity=0)
        [recipe] = RECIPE.findall(text("docs/citus.md"))
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as session:
            session.execute(recipe.replace("eu", SCHEMA))
        assert guards.is_distributed(connection, SCHEMA)
        call_command("migrate", verbosity=0)
        yield
        run(f"DROP SCHEMA {SCHEMA} CASCADE")
        connection.close()


@pytest.fixture(scope="module")
def user(distributed) -> User:
    return User.objects.create_superuser("teller", password="a password")


def account(user: User, currency: str = "USD") -> Account:
    opened = Account.objects.create(owner=user, owner_name="Ann", currency=currency)
    order = Order(kind=Kind.DEPOSIT, source_id=None, dest_id=opened.pk, amount=100)
    services.transfer(order=order, actor=user, is_approved=True)
    return opened


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def failed() -> list[str]:
    return [check.name for check in check_ledger().checks if not check.ok]


def test_every_guard_refuses_its_attack(user, subtests):
    ledger = HandwrittenLedger(
        alice=account(user), bob=account(user), euros=account(user, "EUR"), user=user
    )
    for name, (guard, attack) in ATTACKS.items():
        if name in NOT_RUN:
            continue
        with subtests.test(name):
            with pytest.raises(DatabaseError) as refusal, transaction.atomic():
                attack(ledger)
            state = refusal.value.__cause__.sqlstate
            assert state in (REFUSED | {"XX000"} if guard in DEFERRED else REFUSED)
    assert failed() == []


def test_the_api_moves_money_and_shows_it(user):
    api, source, dest = LedgerClient(user), account(user), account(user)
    order = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk), "amount": 5}

    posted = api.post("/transfers", order)
    batch = api.post("/transfers/batch", {"transfers": [order] * 10})
    hold = api.post("/transfers", order | {"hold": True})
    captured = api.post(f"/transfers/{hold.json()['id']}/capture")
    refused = api.post("/transfers", order | {"amount": 1_000})
    statement = api.get(f"/accounts/{source.pk}/statement")
    events, cursor = [], ""
    while (page := api.get(f"/events?limit=100{cursor}").json())["items"]:
        events += [each["data"]["id"] for each in page["items"]]
        cursor = f"&after={page['next_cursor']}"

    answers = (posted, batch, hold, captured, refused, statement, api.get("/readyz"))
    assert [answer.status_code for answer in answers] == [201, 201, 201, 201, 409, 200, 200]
    assert [line["balance"] for line in statement.json()["items"]] == list(range(40, 105, 5))
    ids = [posted.json()["id"], captured.json()["id"], hold.json()["id"]]
    assert {*ids, *(each["id"] for each in batch.json()["transfers"])} <= set(events)
    assert failed() == []
