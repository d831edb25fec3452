"""Reading the rows of the books for the audit, whatever somebody has put into them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.enums import MONEY_MAX
from accounts.models import Account

# That a column holds a UUID, as Django writes it, in the SQL of each database.
IS_UUID = {
    "postgresql": "TRUE",
    # Of a text, length() counts what comes before a NUL.
    "sqlite": "typeof({0}) = 'text' AND length(CAST({0} AS blob)) = 32"
    " AND {0} NOT GLOB '*[^0-9a-f]*'",
}


def fetch(sql: str, **bounds: UUID) -> list[dict[str, Any]]:
    """Return the rows of a query by column, with the bounds and ``most`` as its parameters."""
    key = Account._meta.pk
    parameters = {name: key.get_db_prep_value(each, connection) for name, each in bounds.items()}
    with connection.cursor() as cursor, _any_text():
        cursor.execute(sql, {**parameters, "most": MONEY_MAX})
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def _any_text() -> Iterator[None]:
    """Let SQLite return a text that isn't UTF-8, which it would refuse to."""
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
    """Return the condition that a column holds a UUID: SQLite takes any text."""
    return IS_UUID[connection.vendor].format(column)


def uuid_text(key: UUID | str | bytes) -> str:
    """Return a key as a UUID is written, or as it is: SQLite may hold what is none."""
    try:
        return str(key if isinstance(key, UUID) else UUID(str(key)))
    except ValueError:
        return str(key)
