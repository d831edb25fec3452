"""
What a row that the ledger writes has in columns that the models don't have.

The ledger gives such a column no value, so the database uses its default. Whether an addition to
the schema refuses the ledger's rows can then be asked of the database.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

# The column isn't one of these (42703), this connection can only read (25006), or its role may not
# call a function or read a table (42501).
NOT_EVALUATED = {"42703", "25006", "42501"}


class Refused(Exception):
    """The database can't compute a value, so it can't insert a row either."""


class NewRows:
    """
    Two rows, of which only the columns that the models don't have are known.

    :param columns: for each column the SQL of its default; ``nth`` is 1 and 2
    """

    def __init__(
        self, cursor: Any, columns: dict[str, str], connection: BaseDatabaseWrapper
    ) -> None:
        self._cursor = cursor
        self._connection = connection
        self.columns = dict.fromkeys(columns, "NULL")
        self.refused = []
        for name, sql in columns.items():
            self.columns[name] = sql
            try:
                self.values(quoted(name))
            except Refused:
                self.columns[name] = "NULL"
                self.refused.append(name)

    def values(self, expression: str) -> list[Any] | None:
        """
        Return the values of an expression in the two rows, or None if it needs other columns.

        :raises Refused: if the database can't compute it
        """
        columns = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in self.columns.items())
        rows = "generate_series(1, 2) AS nth"
        if self._connection.vendor == "sqlite":
            rows, columns = "(SELECT 1 AS nth UNION ALL SELECT 2)", columns or "1"
        found = self.fetch(
            f"SELECT ({expression}) FROM (SELECT {columns} FROM {rows} LIMIT 2) AS fresh"
        )
        return None if found is None else [value for (value,) in found]

    def fetch(self, query: str) -> list[tuple] | None:
        """
        Return the rows of a query, or None if it needs something else.

        :raises Refused: if the database can't compute it
        """
        try:
            with self._undone():
                self._cursor.execute(query)
                return list(self._cursor.fetchall())
        except DatabaseError as error:
            state = getattr(error.__cause__, "sqlstate", None)
            if state in NOT_EVALUATED or "no such column" in str(error):
                return None
            if _is_of_the_connection(error):
                raise
            raise Refused from error

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """Undo what the function of a default does. SQLite has no such functions."""
        if self._connection.vendor == "sqlite":
            # Without a transaction, which would take the write lock.
            yield
            return
        alias = self._connection.alias
        with transaction.atomic(using=alias):
            yield
            transaction.set_rollback(True, using=alias)

    def pass_check(self, condition: str) -> bool:
        """Return whether a CHECK accepts the rows, whatever the ledger writes."""
        try:
            values = self.values(condition)
        except Refused:
            return False
        return values is not None and all(value is None or value for value in values)

    def never_conflict(self, parts: list[str], condition: str, nulls_are_equal: bool) -> bool:
        """
        Return whether a unique key accepts any number of rows, whatever the ledger writes.

        It does if its condition is false, or if one of its parts is NULL or differs in each row.

        :param parts: the columns and expressions of the key
        """
        try:
            matching = self.values(condition) if condition else None
            found = [values for part in parts if (values := self.values(part)) is not None]
        except Refused:
            return False
        if matching is not None and not any(matching):
            return True
        return any(
            first != second or (first is None and not nulls_are_equal) for first, second in found
        )

    def meet_reference(self, columns: list[str], exists: str) -> bool:
        """
        Return whether the rows fulfil a foreign key. A NULL refers to nothing.

        :param exists: whether the other table has the row that ``fresh`` refers to
        """
        if any(None in (self.values(quoted(name)) or [None]) for name in columns):
            return True
        try:
            return all(NewRows.values(self, exists) or [])
        except Refused:
            return False


def _is_of_the_connection(error: DatabaseError) -> bool:
    """Return whether an error is about the connection or a lock, and not about the query."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    if code is None:
        return isinstance(error, OperationalError)
    return code & 0xFF != sqlite3.SQLITE_ERROR


def quoted(name: str) -> str:
    """Return a name quoted for SQL."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
