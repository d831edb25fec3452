"""What is checked of rows one by one, because the databases have no SQL for it in common."""

from typing import Any

from django.db import connection

from accounts.enums import AccountKind
from accounts.models import Account, AccountChange, external_account_id
from accounts.names import folded
from audit.report import Finding, Result
from audit.rows import IS_UUID, fetch, uuid_text
from transfers.models import LedgerEntry, Transfer

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
    result = Result("id_is_a_uuid", "Every id of an account, transfer or entry is a UUID")
    if connection.vendor == "postgresql":
        return result
    for model in (Account, AccountChange, Transfer, LedgerEntry):
        for field in model._meta.concrete_fields:
            if field.db_parameters(connection)["type"] == UUID_TYPE:
                _add_malformed(result, model._meta.db_table, str(field.column))
    return result


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
