"""The checks that aren't a condition in SQL which both databases understand."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from accounts.enums import AccountKind
from accounts.models import external_account_id
from accounts.names import folded
from audit.protection import expected
from audit.report import EXAMPLES, Finding, Result
from audit.rows import IS_UUID, fetch, uuid_text

# The column type of a UUID, and of a foreign key to one, on SQLite.
UUID_TYPE = "char(32)"
# The bounds of the ids of EXTERNAL accounts, whatever the currency.
EXTERNAL_IDS = external_account_id("\0\0\0"), external_account_id("\x7f\x7f\x7f")


def external_ids() -> Result:
    """Check that each EXTERNAL account, and no other, has the id by which postings find it."""
    result = Result(
        "account_external_has_its_id",
        "An EXTERNAL account has the id of its currency, and no other account has such an id",
    )
    for row in fetch(
        "SELECT id, kind, CAST(currency AS text) AS currency FROM accounts_account"
        " WHERE kind = 'EXTERNAL' OR id BETWEEN %(first)s AND %(last)s",
        first=EXTERNAL_IDS[0],
        last=EXTERNAL_IDS[1],
    ):
        account_id, kind, currency = uuid_text(row["id"]), row["kind"], row["currency"]
        if kind != AccountKind.EXTERNAL or account_id != _external_id(currency):
            problem = f"{kind} account in {currency}"
            result.add(Finding(account_id, problem))
    return result


def folded_names() -> Result:
    """Return the empty result of the check of names. ``add_folded_names`` adds to it."""
    return Result(
        "account_name_is_folded", "owner_name_folded, for searching, is the owner_name case-folded"
    )


def add_folded_names(result: Result, **bounds: Any) -> None:
    """Add the accounts from ``first`` to ``last`` whose folded name doesn't match their name."""
    for row in fetch(
        "SELECT id, owner_name, owner_name_folded FROM accounts_account"
        " WHERE id BETWEEN %(first)s AND %(last)s ORDER BY id",
        **bounds,
    ):
        name, found = row["owner_name"], row["owner_name_folded"]
        if not isinstance(name, str) or folded(name) != found:
            result.add(
                Finding(uuid_text(row["id"]), f"owner_name is {name}, owner_name_folded is {found}")
            )


def malformed_ids() -> Result:
    """Check that each id is a UUID. PostgreSQL has a type for it; SQLite accepts any text."""
    result = Result(
        "id_is_a_uuid", "Every id of an account, transfer, entry or idempotency key is a UUID"
    )
    if connection.vendor == "postgresql":
        return result
    for table, present in _present_columns():
        for column, (kind, *_) in table.columns.items():
            if kind == UUID_TYPE and column in present:
                _add_malformed(result, table.name, column)
    return result


def missing_users() -> Result:
    """
    Check that each user who is referred to exists.

    The scans check the other references. SQLite doesn't enforce foreign keys for a client that
    doesn't switch them on, and neither does PostgreSQL in a replication session.
    """
    result = Result("named_user_exists", "Every user that a row refers to exists")
    users = get_user_model()._meta.db_table
    for table, present in _present_columns():
        for column, target in table.references.items():
            if target == users and column in present:
                _add_missing(result, table.name, column, users)
    return result


def _present_columns() -> Iterator[tuple[expected.Table, set[str]]]:
    """Yield each existing table with its columns. The schema checks report missing ones."""
    with connection.cursor() as cursor:
        present = connection.introspection.table_names(cursor)
        for table in expected.tables(connection):
            if table.name in present:
                # Django's introspection would parse the definition of the table on SQLite, which
                # takes longer than all other checks of a small ledger.
                cursor.execute(f"SELECT * FROM {table.name} LIMIT 0")
                yield table, {column[0] for column in cursor.description}


def _add_missing(result: Result, table: str, column: str, users: str) -> None:
    missing = (
        f"FROM {table} named WHERE {column} IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM {users} WHERE {users}.id = named.{column})"
    )
    [row] = fetch(f"SELECT count(*) AS found {missing}")
    result.findings += row["found"]
    if row["found"]:
        limit = EXAMPLES - len(result.examples)
        result.examples += [
            Finding(uuid_text(row["id"]), f"user {row['user']} doesn't exist: {table}.{column}")
            for row in fetch(
                f'SELECT CAST(id AS text) AS id, CAST({column} AS text) AS "user" {missing}'
                f" ORDER BY 1 LIMIT {limit}"
            )
        ]


def _add_malformed(result: Result, table: str, column: str) -> None:
    for row in fetch(
        f"SELECT CAST({column} AS text) AS id FROM {table}"
        f" WHERE {column} IS NOT NULL AND NOT ({IS_UUID['sqlite'].format(column)})"
    ):
        result.add(Finding(row["id"], f"{table}.{column} isn't a UUID"))


def _external_id(currency: str) -> str | None:
    try:
        return str(external_account_id(currency))
    except ValueError:  # The currency isn't three letters.
        return None
