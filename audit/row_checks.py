"""What is checked of rows one by one, because the databases have no SQL for it in common."""

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

# What Django makes of a UUID, and of what refers to one, on SQLite.
UUID_TYPE = "char(32)"
# Of any three letters.
EXTERNAL_IDS = external_account_id("\0\0\0"), external_account_id("\x7f\x7f\x7f")


def external_ids() -> Result:
    """Check that each EXTERNAL account has the id by which postings find it, and no other has."""
    result = Result(
        "account_external_has_its_id",
        "The id of an EXTERNAL account, and no other, says its currency",
    )
    for row in fetch(
        "SELECT id, kind, CAST(currency AS text) AS currency FROM accounts_account"
        " WHERE kind = 'EXTERNAL' OR id BETWEEN %(first)s AND %(last)s",
        first=EXTERNAL_IDS[0],
        last=EXTERNAL_IDS[1],
    ):
        account_id, kind, currency = uuid_text(row["id"]), row["kind"], row["currency"]
        if kind != AccountKind.EXTERNAL or account_id != _external_id(currency):
            problem = f"{kind} account of {currency}"
            result.add(Finding(account_id, problem))
    return result


def folded_names() -> Result:
    """Return the check of names; ``add_folded_names`` fills it."""
    return Result(
        "account_name_is_folded", "The name that an account is found by is its owner's name, folded"
    )


def add_folded_names(result: Result, **bounds: Any) -> None:
    """Add the accounts between ``first`` and ``last`` whose names aren't folded as they should."""
    for row in fetch(
        "SELECT id, owner_name, owner_name_folded FROM accounts_account"
        " WHERE id BETWEEN %(first)s AND %(last)s ORDER BY id",
        **bounds,
    ):
        name, found = row["owner_name"], row["owner_name_folded"]
        if not isinstance(name, str) or folded(name) != found:
            result.add(Finding(uuid_text(row["id"]), f"{name} is folded as {found}"))


def malformed_ids() -> Result:
    """Check that each id is a UUID. PostgreSQL has a type for that; SQLite takes any text."""
    result = Result("id_is_a_uuid", "Every id of an account, transfer, entry or key is a UUID")
    if connection.vendor == "postgresql":
        return result
    for table, present in _present_columns():
        for column, (kind, *_) in table.columns.items():
            if kind == UUID_TYPE and column in present:
                _add_malformed(result, table.name, column)
    return result


def missing_users() -> Result:
    """
    Check that no foreign key to a user refers to one who is gone.

    (The scans find other rows that are referred to and gone.) SQLite doesn't enforce foreign keys
    for a client that doesn't ask for it, nor PostgreSQL in a session that replicates.
    """
    result = Result("named_user_exists", "Every user whom a row names exists")
    users = get_user_model()._meta.db_table
    for table, present in _present_columns():
        for column, target in table.references.items():
            if target == users and column in present:
                _add_missing(result, table.name, column, users)
    return result


def _present_columns() -> Iterator[tuple[expected.Table, set[str]]]:
    """Yield each table that exists, with its columns. The checks of the schema report others."""
    with connection.cursor() as cursor:
        present = connection.introspection.table_names(cursor)
        for table in expected.tables(connection):
            if table.name in present:
                described = connection.introspection.get_table_description(cursor, table.name)
                yield table, {column.name for column in described}


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
            Finding(uuid_text(row["id"]), f"there is no user {row['user']}: {table}.{column}")
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
        result.add(Finding(row["id"], f"it is in {table}.{column}"))


def _external_id(currency: str) -> str | None:
    try:
        return str(external_account_id(currency))
    except ValueError:  # It isn't three letters.
        return None
