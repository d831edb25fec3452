"""The audit finds values in columns that only SQLite accepts."""

from itertools import product

import pytest
from django.db import connection

from audit import ledger as audit
from audit.ledger import check_ledger
from audit.tests.tampering import findings_of, unguarded
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.tests.savepoints import rolled_back
from transfers.tests.rich_ledger import RichLedger, make_rich_ledger

# The other tests of the audit reach the same lines.
pytestmark = [pytest.mark.django_db, pytest.mark.no_cover]

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


@pytest.fixture
def book(funded_account, alice, staff) -> RichLedger:
    return make_rich_ledger(funded_account, alice, staff)


def put(what: str, column: str, value: str) -> None:
    """Set a column of the last row of a table to a value that is written in SQL."""
    table = TABLES[what]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {column} = {value} WHERE id = (SELECT max(id) FROM {table})"
        )


def test_a_figure_that_is_not_an_integer_is_found(book, subtests):
    cases = product(COLUMNS, ["1.5", "'abc'", "x'31'"])
    for (what, column), value in cases:
        with subtests.test(f"{what}.{column} {value}"), unguarded(), rolled_back():
            put(what, column, value)

            assert findings_of(check_ledger())[f"{what}_within_bounds"] == 1


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


# One range for all rows, and one range for each row.
@pytest.mark.parametrize("size", [audit.CHUNK, 1])
def test_an_id_that_is_not_a_uuid_is_found(
    book, alice, staff, client_for, monkeypatch, subtests, size
):
    IdempotencyKey.objects.create(user=alice, key="k", method="POST", path="/", fingerprint="f")
    monkeypatch.setattr(audit, "CHUNK", size)
    monkeypatch.setattr(audit, "ACCOUNTS_AT_ONCE", size)
    reader = client_for(staff)
    for (what, column), value in product(ID_COLUMNS, INVALID_UUIDS):
        with subtests.test(f"{what}.{column} {value}"), unguarded(), rolled_back():
            put(what, column, value)

            response = reader.get("/integrity")

            report = response.json()
            [found] = [check for check in report["checks"] if check["name"] == "id_is_a_uuid"]
            assert [example["problem"] for example in found["examples"]] == [
                f"{TABLES[what]}.{column} isn't a UUID"
            ]
            assert (response.status_code, report["ok"]) == (503, False)


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


def test_any_invalid_value_is_found(book, staff, client_for, subtests):
    reader = client_for(staff)
    cases = product(OTHER_COLUMNS, ["'odd'", "x'31ff'", "''", "CAST(x'ff31' AS text)"])
    for (what, column), value in cases:
        with subtests.test(f"{what}.{column} {value}"), unguarded(), rolled_back():
            put(what, column, value)

            response = reader.get("/integrity")

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
