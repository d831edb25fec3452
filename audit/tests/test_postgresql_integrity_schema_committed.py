"""The audit reports alterations that need a commit or a superuser."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import IntegrityError, connection

from audit.tests.schema import CONSTRAINT, GUARD, run, schema_findings
from audit.tests.test_postgresql_integrity_schema import CHANGES
from transfers.tests.handwritten_rows import rows

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_invalid_unique_index_is_reported(alice):
    table = "idempotency_idempotencykey"
    run(f"ALTER TABLE {table} DROP CONSTRAINT idempotency_key_once_per_user")
    try:
        run(
            *[
                f"INSERT INTO {table} (id, user_id, key, method, path, fingerprint,"
                f" response_headers, created_at) VALUES (gen_random_uuid(), {alice.pk}, 'twice',"
                " 'POST', '/', '', '{}', now())"
            ]
            * 2
        )
        with pytest.raises(IntegrityError):
            run(
                "CREATE UNIQUE INDEX CONCURRENTLY idempotency_key_once_per_user"
                f" ON {table} (user_id, key)"
            )

        found = schema_findings()
    finally:
        run(
            f"DELETE FROM {table}",
            "DROP INDEX IF EXISTS idempotency_key_once_per_user",
            f"ALTER TABLE {table}"
            " ADD CONSTRAINT idempotency_key_once_per_user UNIQUE (key, user_id)",
        )

    assert found == [(CONSTRAINT, f"{table}.idempotency_key_once_per_user")]
    assert schema_findings() == []


# ── Alterations by a superuser ───────────────────────────────────────────────────────────────────


@pytest.fixture
def superuser() -> Iterator[psycopg.Connection]:
    if not rows("SELECT FROM pg_roles WHERE rolname = 'ledger_app'"):
        pytest.skip("The tests don't have the password of this PostgreSQL's superuser.")
    parameters = {**connection.get_connection_params(), "user": "postgres"}
    wanted = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{name: parameters[name] for name in wanted}, autocommit=True) as session:
        yield session


def test_foreign_keys_disabled_with_all_triggers_are_reported(superuser):
    superuser.execute(f"{CHANGES} DISABLE TRIGGER ALL")
    try:
        found = schema_findings()
    finally:
        superuser.execute(f"{CHANGES} ENABLE TRIGGER ALL")

    assert found == [
        (GUARD, "change_append_only"),
        (GUARD, "change_not_truncated"),
        (CONSTRAINT, "accounts_accountchange.account_id"),
        (CONSTRAINT, "accounts_accountchange.actor_id"),
        # Its triggers are on both tables.
        (CONSTRAINT, "approvals_approval.change_id"),
    ]
    assert schema_findings() == []


@pytest.mark.parametrize(
    ("whose", "subject"),
    [("ROLE ledger_app", "the role ledger_app"), ("DATABASE {database}", "the database")],
)
def test_a_default_session_replication_role_of_replica_is_reported(superuser, whose, subject):
    altered = f"ALTER {whose.format(database=superuser.info.dbname)}"
    superuser.execute(f"{altered} SET session_replication_role = replica")
    try:
        found = schema_findings()
    finally:
        superuser.execute(f"{altered} RESET session_replication_role")

    assert found == [("schema_is_enforced", subject)]
    assert schema_findings() == []
