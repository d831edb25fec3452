"""The guards of a ledger in a schema of its own, each attacked beside a ledger in `public`."""

from collections.abc import Iterator

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from audit.ledger import check_ledger
from database import guards
from ledger_project.tests.savepoints import rolled_back
from transfers.approvals.tests import test_guards as approval_guards
from transfers.approvals.tests.conftest import ask, checker, dest, source, threshold
from transfers.approvals.tests.test_guards import approvals
from transfers.tests.attacks import ATTACKS
from transfers.tests.conftest import handwritten
from transfers.tests.handwritten_rows import rows

__all__ = ["approvals", "ask", "checker", "dest", "handwritten", "source", "threshold"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_l0", "threshold")]

EVENTS = {
    "event_append_only": "DELETE FROM events_event",
    "event_not_truncated": "TRUNCATE events_event, webhooks_delivery",
}
# Deferred guards run at commit, which a test doesn't reach.
COMMIT = ("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED")
# The triggers of the event log refuse nothing.
WRITERS = {"account_events", "account_opened_event", "transfer_events"}


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture(params=[False, True], ids=["plain", "as on Citus"])
def in_l0(db, request, monkeypatch) -> Iterator[None]:
    """
    Use a new ledger in the schema `l0`, until the test's transaction is rolled back.

    Its guards are installed as on plain PostgreSQL, or as in a schema that Citus has distributed.
    """
    monkeypatch.setattr(guards.citus, "is_distributed", lambda *_: request.param)
    run("CREATE SCHEMA l0", "SET search_path = l0")
    ContentType.objects.clear_cache()
    call_command("migrate", verbosity=0)
    yield
    ContentType.objects.clear_cache()


def refused_by(attack) -> str:
    """Return the name of the guard that refuses the attack."""
    with pytest.raises(IntegrityError) as refusal:
        commit(attack)
    return refusal.value.__cause__.diag.constraint_name


def commit(attack) -> None:
    with transaction.atomic():
        attack()
        run(*COMMIT)


def test_every_guard_refuses_its_attack(handwritten, approvals, subtests):
    run(*COMMIT)
    attacks = {
        name: (guard, lambda do=do: do(handwritten))
        for name, (guard, do) in ATTACKS.items()
        if "intruder" not in name  # They change the search path themselves.
    }
    attacks |= {
        name: (guard, lambda sql=sql: run(sql))
        for name, (guard, sql) in approval_guards.ATTACKS.items()
    }
    attacks |= {guard: (guard, lambda sql=sql: run(sql)) for guard, sql in EVENTS.items()}
    assert {guard for guard, _ in attacks.values()} | WRITERS == set(guards.names(connection))

    for name, (guard, attack) in attacks.items():
        with subtests.test(name), rolled_back():
            assert refused_by(attack) == guard


def test_a_ledger_writes_only_to_its_own_schema(api, client, approvals):
    account = api.post("/accounts", {"owner_name": "Ann"}).json()["id"]
    assert api.post(f"/accounts/{account}/deposit", {"amount": 5}).status_code == 200

    assert [check.name for check in check_ledger().checks if not check.ok] == []
    assert client.get("/readyz").status_code == 200
    tables = ("accounts_account", "transfers_transfer", "events_event", "approvals_approval")
    written = [rows(f"SELECT count(*) > 0 FROM l0.{table}") for table in tables]
    elsewhere = [
        rows(f"SELECT count(*) FROM public.{table}") for table in tables if "account" not in table
    ]
    assert (written, elsewhere) == ([[(True,)]] * 4, [[(0,)]] * 3)
