"""Queries of the audit, which can read any value that SQLite accepts into a column."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.enums import MONEY_MAX
from accounts.models import Account

# The condition, for each database, that a column holds a UUID as Django writes it.
IS_UUID = {
    "postgresql": "TRUE",
    # As a blob, because length() of a text stops at a NUL.
    "sqlite": "typeof({0}) = 'text' AND length(CAST({0} AS blob)) = 32"
    " AND {0} NOT GLOB '*[^0-9a-f]*'",
}


def fetch(sql: str, **bounds: UUID) -> list[dict[str, Any]]:
    """
    Return the rows of a query as dictionaries by column.

    Its parameters are the bounds, and ``most``: the largest amount, in minor units.
    """
    key = Account._meta.pk
    parameters = {name: key.get_db_prep_value(each, connection) for name, each in bounds.items()}
    with connection.cursor() as cursor, _any_text():
        cursor.execute(sql, {**parameters, "most": MONEY_MAX})
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def _any_text() -> Iterator[None]:
    """Read text that isn't UTF-8 with replacement characters: ``sqlite3`` would raise an error."""
    if connection.vendor != "sqlite":
        yield
        return
    usual = connection.connection.text_factory
    connection.connection.text_factory = lambda text: text.decode(errors="replace")
    try:
        yield
    finally:
        connection.connection.text_factory = usual


def is_uuid(column: str) -> str:
    """Return the condition that a column holds a UUID: SQLite accepts any text."""
    return IS_UUID[connection.vendor].format(column)


def uuid_text(key: UUID | str | bytes) -> str:
    """Return a key in the canonical form of a UUID, or unchanged if it isn't one."""
    try:
        return str(key if isinstance(key, UUID) else UUID(str(key)))
    except ValueError:
        return str(key)
