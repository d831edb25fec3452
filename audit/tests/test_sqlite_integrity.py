"""The audit finds values in columns that only SQLite accepts."""

import pytest
from django.db import connection, transaction

from audit import ledger as audit
from audit.ledger import check_ledger
from audit.tests.tampering import findings_of, unguarded
from ledger_project.idempotency.models import IdempotencyKey
from transfers.tests.rich_ledger import make_rich_ledger

pytestmark = pytest.mark.django_db

COLUMNS = [
    *(("account", column) for column in ("balance", "held", "overdraft_limit", "version")),
    *(("entry", column) for column in ("amount", "balance", "sequence")),
    ("transfer", "amount"),
]
TABLES = {
    "account": "accounts_account",
    "entry": "transfers_ledgerentry",
    "transfer": "transfers_transfer",
    "change": "accounts_accountchange",
    "key": "idempotency_idempotencykey",
}


@pytest.mark.parametrize("value", ["1.5", "'abc'", "x'31'"])
@pytest.mark.parametrize(("what", "column"), COLUMNS)
def test_a_figure_that_is_not_an_integer_is_found(
    funded_account, alice, staff, what, column, value
):
    make_rich_ledger(funded_account, alice, staff)
    table = TABLES[what]

    with unguarded():
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {column} = {value} WHERE id = (SELECT max(id) FROM {table})"
            )
        report = check_ledger()

    assert findings_of(report)[f"{what}_within_bounds"] == 1


ID_COLUMNS = [
    ("account", "id"),
    ("transfer", "id"),
    ("transfer", "source_id"),
    ("transfer", "hold_id"),
    ("entry", "id"),
    ("entry", "account_id"),
    ("entry", "transfer_id"),
    ("change", "account_id"),
    ("key", "id"),
]
INVALID_UUIDS = [
    *("'zz'", "''", "x'00ff'", f"'{'F' * 32}'", f"'{'f' * 33}'"),
    f"CAST(x'{'66' * 32}00' AS text)",
]


@pytest.mark.parametrize("value", INVALID_UUIDS)
@pytest.mark.parametrize(("what", "column"), ID_COLUMNS)
def test_an_id_that_is_not_a_uuid_is_found(
    funded_account, alice, staff, client_for, monkeypatch, what, column, value
):
    make_rich_ledger(funded_account, alice, staff)
    IdempotencyKey.objects.create(user=alice, key="k", method="POST", path="/", fingerprint="f")
    table = TABLES[what]
    # With one range for all rows, and with one range for each row.
    for size in (audit.CHUNK, 1):
        monkeypatch.setattr(audit, "CHUNK", size)
        monkeypatch.setattr(audit, "ACCOUNTS_AT_ONCE", size)
        with unguarded(), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE {table} SET {column} = {value}"
                    f" WHERE id = (SELECT max(id) FROM {table})"
                )
            report = check_ledger()
            response = client_for(staff).get("/integrity")
            # The test would fail at its end if rows referred to missing ones.
            transaction.set_rollback(True)

        [found] = [check for check in report.checks if check.name == "id_is_a_uuid"]
        assert [example.problem for example in found.examples] == [f"{table}.{column} isn't a UUID"]
        assert (response.status_code, response.json()["ok"]) == (503, False)


OTHER_COLUMNS = [
    ("account", "currency"),
    ("account", "kind"),
    ("account", "owner_name"),
    ("account", "created_at"),
    ("account", "last_posted_at"),
    ("transfer", "currency"),
    ("transfer", "created_at"),
    ("transfer", "expires_at"),
    ("entry", "ts"),
    ("entry", "type"),
]


@pytest.mark.parametrize("value", ["'odd'", "x'31ff'", "''", "CAST(x'ff31' AS text)"])
@pytest.mark.parametrize(("what", "column"), OTHER_COLUMNS)
def test_any_invalid_value_is_found(funded_account, alice, staff, client_for, what, column, value):
    make_rich_ledger(funded_account, alice, staff)
    table = TABLES[what]

    with unguarded():
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {column} = {value} WHERE id = (SELECT max(id) FROM {table})"
            )
        report = check_ledger()
        response = client_for(staff).get("/integrity")

    assert not report.ok
    assert (response.status_code, response.json()["ok"]) == (503, False)


@pytest.mark.parametrize(
    ("table", "change", "check"),
    [
        ("transfer", "memo = printf('%%.141c', 'm')", "transfer_memo_has_its_length"),
        (
            "account",
            "owner_name = printf('%%.201c', 'n'), owner_name_folded = printf('%%.201c', 'n')",
            "account_name_has_its_length",
        ),
        ("change", "reason = printf('%%.201c', 'r')", "change_reason_has_its_length"),
        ("account", "metadata = '{'", "account_metadata_is_strings"),
        ("transfer", "metadata = x'7b7d'", "transfer_metadata_is_strings"),
    ],
)
def test_a_text_or_metadata_that_postgresql_would_refuse_is_found(
    funded_account, alice, staff, table, change, check
):
    make_rich_ledger(funded_account, alice, staff)

    with unguarded():
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {TABLES[table]} SET {change}"
                f" WHERE id = (SELECT max(id) FROM {TABLES[table]})",
                [],
            )
        report = check_ledger()

    assert findings_of(report) == {check: 1}
