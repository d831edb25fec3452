"""Settings of the server, the database or the role don't change the ledger's behaviour."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Account
from database import guards
from transfers import services

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = {
    "DateStyle": ["German", "SQL, DMY", "Postgres, MDY"],
    "IntervalStyle": ["sql_standard"],
    "TimeZone": ["America/St_Johns"],
    "array_nulls": ["off"],
    "bytea_output": ["escape"],
    "client_encoding": ["LATIN1"],
    "client_min_messages": ["error"],
    "default_transaction_deferrable": ["on"],
    "default_transaction_isolation": ["repeatable read", "serializable"],
    "extra_float_digits": ["-15"],
    "jit_above_cost": ["0"],
    "plan_cache_mode": ["force_generic_plan", "force_custom_plan"],
    "quote_all_identifiers": ["on"],
    "row_security": ["off"],
    "standard_conforming_strings": ["off"],
    "synchronous_commit": ["off"],
    "transform_null_equals": ["on"],
}
RELIED_ON = {
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "array_nulls": "on",
    "client_encoding": "UTF8",
    "client_min_messages": "warning",
    "default_transaction_isolation": "read committed",
    "quote_all_identifiers": "off",
    "synchronous_commit": "on",
}
MEMO = "Ünïcode 🎉, it's 100 % \\n 'NULL'"


@pytest.fixture
def default() -> Iterator[Callable[[str, str], None]]:
    """Return a function that sets a default of the database for new connections."""
    names = []
    database = connection.ops.quote_name(connection.settings_dict["NAME"])

    def alter(setting: str, value: str) -> None:
        names.append(setting)
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {database} SET {setting} = '{value}'")
        connection.close()

    yield alter
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"ALTER DATABASE {database} RESET {name}")
    connection.close()


@pytest.fixture
def story(api, alice, funded_account) -> Callable[[], Any]:
    """Return a function that sends different requests, and returns their responses."""

    def tell() -> Any:
        source, dest = funded_account(alice, balance=1_000), funded_account(alice)
        order = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk), "amount": 5}
        single = api.post("/transfers", order | {"memo": MEMO, "metadata": {"a\\b": MEMO}})
        hold = api.post("/transfers", order | {"hold": True})
        # Enough transfers that arrays are sent to the database.
        batch = api.post("/transfers/batch", {"transfers": [order] * 20})
        read = api.get(f"/transfers/{single.json()['id']}")
        statement = api.get(f"/accounts/{source.pk}/statement")
        listed = api.get("/transfers", {"account_id": str(source.pk), "kind": "TRANSFER"})
        balance = api.get(f"/accounts/{source.pk}/balance")
        responses = (single, hold, batch, read, statement, listed, balance, api.get("/readyz"))
        return (
            [response.status_code for response in responses],
            [read.json()[name] for name in ("memo", "metadata", "created_at")]
            == [single.json()[name] for name in ("memo", "metadata", "created_at")],
            (read.json()["memo"], read.json()["metadata"]),
            [each["memo"] for each in batch.json()["transfers"]],
            [(line["amount"], line["balance"], line["ref"]) for line in statement.json()["items"]],
            all(line["ts"].endswith("Z") for line in statement.json()["items"]),
            len(listed.json()["items"]),
            balance.json()["balance"],
            guards.missing(connection),
        )

    return tell


TOLD = (
    [201, 201, 201, 200, 200, 200, 200, 200],
    True,
    (MEMO, {"a\\b": MEMO}),
    [None] * 20,
    [(5, 1_000 - 5 * n, MEMO if n == 1 else None) for n in range(21, 0, -1)]
    + [(1_000, 1_000, None)],
    True,
    21,
    1_000 - 21 * 5,
    [],
)


@pytest.mark.parametrize(
    ("setting", "value"), [(name, value) for name, values in HOSTILE.items() for value in values]
)
def test_no_default_of_the_database_changes_what_the_ledger_does(story, default, setting, value):
    default(setting, value)

    assert story() == TOLD


def test_all_these_defaults_together_change_nothing(story, default):
    for name, values in HOSTILE.items():
        default(name, values[0])

    assert story() == TOLD


def test_a_session_has_the_settings_that_the_code_relies_on(default):
    for name, values in HOSTILE.items():
        default(name, values[0])

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(RELIED_ON)]
        )
        assert dict(cursor.fetchall()) == RELIED_ON


@pytest.mark.parametrize("value", ["local", "remote_write", "remote_apply"])
def test_every_durable_synchronous_commit_is_left_to_the_operator(default, value):
    default("synchronous_commit", value)

    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == (value,)


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_posting_that_waits_for_another_succeeds_whatever_the_default_isolation_level(
    alice, funded_account, default, isolation
):
    account = funded_account(alice, balance=100)
    default("default_transaction_isolation", isolation)

    def deposit() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = 0")
                cursor.execute("SET statement_timeout = 0")
            services.deposit(account_id=account.pk, amount=5, actor=alice)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            services.deposit(account_id=account.pk, amount=10, actor=alice)
            second = thread.submit(deposit)
            wait_for_a_waiting_lock()
        second.result(timeout=60)

    assert Account.objects.get(pk=account.pk).balance == 115


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_every_begin_sets_the_isolation_level(alice, default, isolation):
    # As behind PgBouncer in transaction mode, where the next transaction may use another session.
    with connection.cursor() as cursor:
        cursor.execute(f"SET default_transaction_isolation = '{isolation}'")

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        found = cursor.fetchone()

    assert found == ("read committed",)
    connection.close()


def wait_for_a_waiting_lock() -> None:
    deadline = time.monotonic() + 60
    with connection.copy().cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return cursor.db.close()
            assert time.monotonic() < deadline, "nobody waits for the lock"
            time.sleep(0.01)
