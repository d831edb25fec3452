"""Prepared statements keep working after the tables have changed."""

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from rest_framework_simplejwt.tokens import RefreshToken

pytestmark = pytest.mark.django_db(transaction=True)

OFTEN = settings.DATABASE["OPTIONS"]["prepare_threshold"] + 3
TABLES = (
    "accounts_account",
    "auth_user",
    "idempotency_idempotencykey",
    "transfers_ledgerentry",
    "transfers_transfer",
)


# A column that each of many requests reads, of each table whose columns a guard doesn't name.
RETYPED = {
    "accounts_account": "owner_name_folded",
    "auth_user": "first_name",
    "idempotency_idempotencykey": "response_body",
    "transfers_transfer": "memo",
}


@pytest.fixture
def another_session():
    """Another connection, as of a migration that runs while the service does."""
    database = connection.settings_dict
    with psycopg.connect(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
        autocommit=True,
    ) as session:
        yield session


@pytest.fixture
def later_column(another_session):
    """Return a function that adds a column to every table; it is removed after the test."""

    def add():
        for table in TABLES:
            another_session.execute(f"ALTER TABLE {table} ADD COLUMN later text DEFAULT ''")

    yield add
    for table in TABLES:
        another_session.execute(f"ALTER TABLE {table} DROP COLUMN IF EXISTS later")


def test_the_statements_of_a_request_are_prepared(api, alice, funded_account):
    account = funded_account(alice)

    for _ in range(OFTEN):
        assert api.post(f"/accounts/{account.pk}/deposit", {"amount": 5}).status_code == 200

    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        prepared = "\n".join(statement for (statement,) in cursor)
    for begin in ("INSERT INTO idempotency_", "UPDATE accounts_", "INSERT INTO transfers_transfer"):
        assert begin in prepared


def test_requests_succeed_after_a_column_was_added_while_the_service_runs(
    api, alice, bob, funded_account, later_column
):
    source, dest = funded_account(alice, balance=1_000), funded_account(bob)
    order = {"source_account_id": source.pk, "dest_account_id": dest.pk, "amount": 5}

    def statuses():
        return [
            api.post("/transfers", order).status_code,
            api.post("/transfers", order | {"amount": 10_000}).status_code,
            api.get(f"/accounts/{source.pk}").status_code,
            api.get(f"/accounts/{source.pk}/statement").status_code,
        ]

    before = [statuses() for _ in range(OFTEN)]
    later_column()
    after = [statuses() for _ in range(OFTEN)]

    assert before == after == [[201, 409, 200, 200]] * OFTEN


@pytest.fixture
def other_types(another_session):
    """Return a function that changes the type of columns; it is changed back after the test."""

    def kind(table: str) -> str:
        [text] = another_session.execute(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attname = %s",
            [table, RETYPED[table]],
        ).fetchone()
        return text

    def alter(table: str, type_: str) -> None:
        another_session.execute(f"ALTER TABLE {table} ALTER {RETYPED[table]} TYPE {type_}")

    usual = {table: kind(table) for table in RETYPED}
    yield lambda: [alter(table, "varchar(9999)") for table in RETYPED]
    for table, type_ in usual.items():
        alter(table, type_)


def test_requests_succeed_after_a_type_was_changed_while_the_service_runs(
    api, alice, bob, funded_account, other_types
):
    source, dest = funded_account(alice, balance=1_000), funded_account(bob)
    order = {"source_account_id": source.pk, "dest_account_id": dest.pk, "amount": 5}
    [first] = [api.post("/transfers", order).json()["id"]]

    def statuses():
        return [
            api.post("/transfers", order).status_code,
            api.post("/transfers", order, key="again").status_code,
            api.post("/transfers", order | {"amount": 10_000}).status_code,
            api.post(f"/accounts/{source.pk}/deposit", {"amount": 5}).status_code,
            api.get(f"/accounts/{source.pk}").status_code,
            api.get(f"/accounts/{source.pk}/statement").status_code,
            api.get(f"/transfers/{first}").status_code,
            api.get("/transfers").status_code,
            api.get("/accounts").status_code,
            api.get("/idempotency-keys/again").status_code,
        ]

    before = [statuses() for _ in range(OFTEN)]
    other_types()
    after = [statuses() for _ in range(OFTEN)]

    assert before == after == [[201, 201, 409, *[200] * 7]] * OFTEN


def test_a_refresh_after_a_type_was_changed_can_be_repeated(client, alice, other_types):
    refresh = str(RefreshToken.for_user(alice))
    answers = []

    for number in range(OFTEN + 2):
        if number == OFTEN:
            other_types()
        response = client.post("/auth/token/refresh", {"refresh": refresh}, "application/json")
        refresh = response.json().get("refresh", refresh)
        answers.append((response.status_code, response.headers.get("Retry-After")))

    assert answers == [(200, None)] * OFTEN + [(503, "1"), (200, None)]
