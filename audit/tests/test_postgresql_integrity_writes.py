"""The audit and /readyz report what prevents the ledger from writing to PostgreSQL."""

import re
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Account
from api.tests.contract import assert_problem
from audit.protection import owns_tables, postgresql_writes
from audit.tests.schema import run, schema_findings
from ledger_project.tests.pages import text
from transfers import services
from transfers.tests.handwritten_rows import rows

pytestmark = pytest.mark.django_db(transaction=True)

CHECK = postgresql_writes.CHECK
ROLE = "ledger_app"


@pytest.fixture
def as_application(funded_account) -> Iterator[None]:
    """Return to the owner after a test that connects as the role of the application."""
    if not rows(f"SELECT FROM pg_roles WHERE rolname = '{ROLE}'"):
        pytest.skip("This PostgreSQL has no role ledger_app; tools/with_postgres.py makes one.")
    owner = connection.settings_dict["USER"]
    yield
    become(owner)
    run(*granted())


def granted() -> list[str]:
    blocks = re.findall(r"```sql\n(.*?)```", text("docs/databases.md"), re.DOTALL)
    return [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}",
        *(block for block in blocks if block.startswith("GRANT")),
    ]


def become(role: str) -> None:
    connection.close()
    connection.settings_dict["USER"] = role


def test_the_documented_grants_are_enough(client, as_application):
    run(*granted())
    become(ROLE)

    assert schema_findings() == []
    assert client.get("/readyz").status_code == 200


REVOKED = [
    ("INSERT ON transfers_transfer", "transfers_transfer", "INSERT"),
    ("INSERT ON transfers_ledgerentry", "transfers_ledgerentry", "INSERT"),
    ("INSERT ON accounts_accountchange", "accounts_accountchange", "INSERT"),
    ("INSERT ON idempotency_idempotencykey", "idempotency_idempotencykey", "INSERT"),
    ("UPDATE ON idempotency_idempotencykey", "idempotency_idempotencykey", "UPDATE"),
    ("UPDATE (held) ON accounts_account", "accounts_account", "UPDATE"),
    ("UPDATE (hold_version) ON accounts_account", "accounts_account", "UPDATE"),
    ("UPDATE ON auth_user", "auth_user", "UPDATE"),
    ("DELETE ON ledger_project_loginattempt", "ledger_project_loginattempt", "DELETE"),
    ("INSERT ON token_blacklist_outstandingtoken", "token_blacklist_outstandingtoken", "INSERT"),
]


@pytest.mark.parametrize(("what", "table", "privilege"), REVOKED)
def test_a_privilege_that_was_not_granted_is_reported(
    client, as_application, what, table, privilege
):
    run(*granted(), f"REVOKE {what} FROM {ROLE}")
    become(ROLE)

    ready, reads = client.get("/readyz"), client.get("/readyz?for=reads")

    assert schema_findings() == [(CHECK, table)]
    detail = f"The database's role lacks the privilege {privilege} on {table}. Repeat the grants."
    assert_problem(ready, 503, "temporarily_unavailable", detail=detail)
    assert reads.status_code == 200


def test_only_the_owner_of_the_tables_can_switch_off_their_guards(as_application):
    of_owner = owns_tables(connection)
    run(*granted())
    become(ROLE)

    assert (of_owner, owns_tables(connection)) == (True, False)


def test_each_table_that_may_not_be_read_is_reported(client, as_application):
    owner = connection.settings_dict["USER"]
    run(*granted())
    tables = [name for (name,) in rows("SELECT tablename FROM pg_tables WHERE schemaname='public'")]
    found, expected = {}, {}
    for table in sorted(tables):
        run(f"REVOKE SELECT ON {table} FROM {ROLE}")
        become(ROLE)
        answers = [client.get(path) for path in ("/readyz", "/readyz?for=reads")]
        found[table] = [(each.status_code, each.json()["detail"]) for each in answers]
        become(owner)
        run(f"GRANT SELECT ON {table} TO {ROLE}")
        detail = f"The database's role lacks the privilege SELECT on {table}. Repeat the grants."
        expected[table] = [(503, detail)] * 2

    assert found == expected
    assert {"django_migrations", "events_event", "auth_user_groups"} <= set(found)


def test_the_sequence_of_an_additional_column_needs_a_privilege(client, as_application):
    run(*granted(), "ALTER TABLE transfers_transfer ADD zz bigserial")
    try:
        become(ROLE)

        assert schema_findings() == [(CHECK, "transfers_transfer")]
        assert client.get("/readyz").status_code == 503
    finally:
        become(rows("SELECT tableowner FROM pg_tables WHERE tablename = 'auth_user'")[0][0])
        run("ALTER TABLE transfers_transfer DROP zz")


def test_a_role_that_may_only_read_can_audit_the_ledger(client, as_application):
    run(
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}",
        f"GRANT INSERT, UPDATE ON audit_verdict TO {ROLE}",
    )
    become(ROLE)

    assert schema_findings() == []
    assert client.get("/readyz").status_code == 503
    assert client.get("/readyz?for=reads").status_code == 200


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("accounts_accountchange", "id"),
        ("events_event", "number"),
        ("token_blacklist_outstandingtoken", "id"),
        ("django_admin_log", "id"),
    ],
)
def test_a_sequence_that_is_used_up_is_reported(client, table, column):
    sequence = f"pg_get_serial_sequence('{table}', '{column}')"
    [[largest]] = rows(f"SELECT seqmax FROM pg_sequence WHERE seqrelid = {sequence}::regclass")
    run(f"SELECT setval({sequence}, {largest} - 1)")
    try:
        before = schema_findings(), client.get("/readyz").status_code
        run(f"SELECT nextval({sequence})")
        after = schema_findings(), client.get("/readyz").status_code
        reads = client.get("/readyz?for=reads")
    finally:
        run(f"SELECT setval({sequence}, 1, false)")

    # The API doesn't write to the admin's log, so that it is still ready.
    ready = 200 if table == "django_admin_log" else 503
    assert (before, after) == (([], 200), ([(CHECK, f"{table}.{column}")], ready))
    assert reads.status_code == 200


FAILING_PUBLICATIONS = {
    "a row filter": ("FOR TABLE accounts_account WHERE (kind = 'CUSTOMER')", "DEFAULT", 15),
    "a list of columns": ("FOR TABLE accounts_account (owner_name, kind)", "DEFAULT", 15),
    "a list of columns and a filter": (
        "FOR TABLE accounts_account (id, kind) WHERE (kind = 'CUSTOMER')",
        "DEFAULT",
        15,
    ),
    "no replica identity": ("FOR TABLE accounts_account", "NOTHING", 14),
    "a list of columns and all of them as the identity": (
        "FOR TABLE accounts_account (id, kind)",
        "FULL",
        15,
    ),
}
HARMLESS_PUBLICATIONS = {
    "a table": ("FOR TABLE accounts_account", "DEFAULT", 14),
    "a table with all columns as its identity": ("FOR TABLE accounts_account", "FULL", 14),
    "a filter on the key": (
        "FOR TABLE accounts_account WHERE (id IS DISTINCT FROM NULL)",
        "DEFAULT",
        15,
    ),
    "a filter on any column of the identity": (
        "FOR TABLE accounts_account WHERE (kind = 'CUSTOMER')",
        "FULL",
        15,
    ),
    "a filter and a list that includes the key": (
        "FOR TABLE accounts_account (id, kind) WHERE (id IS DISTINCT FROM NULL)",
        "DEFAULT",
        15,
    ),
    "only insertions": (
        "FOR TABLE accounts_account WHERE (kind = 'CUSTOMER') WITH (publish = 'insert')",
        "DEFAULT",
        15,
    ),
    "a filter on history": ("FOR TABLE transfers_transfer WHERE (amount > 5)", "DEFAULT", 15),
}


def publish(publication: tuple[str, str, int], account: Account, actor) -> tuple[bool, list]:
    """Publish a table. Return whether a deposit succeeds then, and what the audit reports."""
    what, identity, oldest = publication
    if connection.pg_version < oldest * 10_000:
        pytest.skip(f"This needs PostgreSQL {oldest}.")
    run(f"ALTER TABLE accounts_account REPLICA IDENTITY {identity}")
    run(f"CREATE PUBLICATION zz {what}")
    try:
        findings = schema_findings()
        try:
            with transaction.atomic():
                services.deposit(account_id=account.pk, amount=1, actor=actor)
        except DatabaseError:
            return False, findings
        return True, findings
    finally:
        run("DROP PUBLICATION zz", "ALTER TABLE accounts_account REPLICA IDENTITY DEFAULT")


@pytest.mark.parametrize("name", FAILING_PUBLICATIONS)
def test_a_publication_that_makes_updates_fail_is_reported(name, alice, funded_account):
    outcome = publish(FAILING_PUBLICATIONS[name], funded_account(alice), alice)

    assert outcome == (False, [(CHECK, "accounts_account")])


@pytest.mark.parametrize("name", HARMLESS_PUBLICATIONS)
def test_a_harmless_publication_is_not_reported(name, alice, funded_account):
    assert publish(HARMLESS_PUBLICATIONS[name], funded_account(alice), alice) == (True, [])
