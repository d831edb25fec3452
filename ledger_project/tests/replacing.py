"""Replace rows of SQLite, which deletes the old ones without running a DELETE trigger."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import Model

from database import guards


@contextmanager
def plain_session() -> Iterator[None]:
    """
    On SQLite, give the session the defaults that it has in ``sqlite3``.

    The service turns ``recursive_triggers`` on, so that REPLACE runs the DELETE triggers.
    """
    if connection.vendor == "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers = OFF")
        try:
            yield
        finally:
            cursor.execute("PRAGMA recursive_triggers = ON")


def drop_replace_guards() -> None:
    """On SQLite, let the unique constraints refuse what the guards against REPLACE would."""
    for each in guards.SETS:
        for name in each.names(connection):
            if "_refuse_replace" in name:
                each.drop(connection, name)


def replace(model: type[Model], where: str, **values: str) -> str:
    """
    Return the SQL that inserts a copy of a row in place of each row with the same unique key.

    :param where: the condition of the row to copy
    :param values: other values of the copy, in SQL by column
    """
    columns = {field.column: f'"{field.column}"' for field in model._meta.concrete_fields} | values
    names = ", ".join(f'"{name}"' for name in columns)
    table = model._meta.db_table
    return (
        f"INSERT OR REPLACE INTO {table} ({names})"
        f" SELECT {', '.join(columns.values())} FROM {table} WHERE {where}"
    )
