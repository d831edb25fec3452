"""
Compile a QuerySet to SQL once, and run it many times with other values.

The ORM takes longer to compile a query than PostgreSQL takes to run it. The QuerySet remains the
only definition of the query.
"""

from collections import namedtuple
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.utils import timezone

Row = TypeVar("Row")


class Placeholder(Value):
    """Stand in a QuerySet for a value that each call provides. No two placeholders are equal."""

    def __init__(self) -> None:
        # The value identifies the placeholder: the ORM copies expressions, but not their values.
        super().__init__(object())

    # The ORM compares expressions by their arguments, and drops the second of two equal ones.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Placeholder) and other.value is self.value

    def __hash__(self) -> int:
        return hash(self.value)


class ComposedQuery(Generic[Row]):
    """
    The SQL of a QuerySet, in which each call replaces the placeholders by values.

    :param queryset: a QuerySet of model instances, annotated or not, or of
        ``values_list(..., named=True)``
    :param placeholders: the placeholders in the QuerySet, in the order of a call's values; each may
        occur several times in the QuerySet
    :raises ValueError: if the QuerySet doesn't use one of them
    """

    def __init__(self, queryset: QuerySet[Any, Row], placeholders: Sequence[Placeholder]) -> None:
        compiler = queryset.query.get_compiler(queryset.db)
        self._sql, parameters = compiler.as_sql()
        self._parameters = list(parameters)
        self._places = [_places_of(placeholder, parameters) for placeholder in placeholders]
        columns = [column for column, _, _ in compiler.select]
        self._converters = compiler.get_converters(columns)
        self._row: Callable[[Sequence[Any]], Row]
        if named := queryset.query.selected:
            self._row = namedtuple("Row", named)._make  # type: ignore[attr-defined]
        else:
            # The annotations come after the columns of the model.
            annotated = list(queryset.query.annotation_select)
            own = columns[: len(columns) - len(annotated)]
            names = [column.target.attname for column in own]
            from_db = partial(queryset.model.from_db, queryset.db, names)
            self._row = partial(_annotated_row, from_db, annotated) if annotated else from_db

    def __call__(self, *values: Any) -> list[Row]:
        """Run the query with these values for the placeholders, and return the rows."""
        return self._rows(self._fetch(values))

    def _fetch(self, values: Sequence[Any]) -> list[Sequence[Any]]:
        parameters = self._parameters.copy()
        for places, value in zip(self._places, values, strict=True):
            for place in places:
                parameters[place] = _for_database(value)
        with connection.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            return cursor.fetchall()

    def _rows(self, fetched: Iterable[Sequence[Any]]) -> list[Row]:
        if self._converters:
            fetched = map(self._read, fetched)
        return list(map(self._row, fetched))

    def _read(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place, (converters, column) in self._converters.items():
            for convert in converters:
                values[place] = convert(values[place], column, connection)
        return values


def _places_of(placeholder: Placeholder, parameters: Sequence[Any]) -> list[int]:
    places = [place for place, each in enumerate(parameters) if each is placeholder.value]
    if not places:
        raise ValueError("The query doesn't use this placeholder.")
    return places


def _annotated_row(
    from_db: Callable[[Sequence[Any]], Row], names: Sequence[str], values: Sequence[Any]
) -> Row:
    row = from_db(values[: -len(names)])
    for name, value in zip(names, values[-len(names) :], strict=True):
        setattr(row, name, value)
    return row


class LockingQuery(ComposedQuery[Row]):
    """A query that locks its rows, and returns when the last of the locks was acquired (UTC)."""

    def __init__(
        self, queryset: QuerySet[Any, Row], placeholders: Sequence[Placeholder] = ()
    ) -> None:
        super().__init__(queryset, placeholders)
        if connection.vendor == "postgresql":
            # The outer query reads the clock for each row after it was locked. A locking SELECT
            # computes its own columns before it waits for the lock.
            self._sql = f"SELECT locked.*, clock_timestamp() FROM ({self._sql}) AS locked"

    def lock(self, *values: Any) -> tuple[list[Row], datetime]:
        """Run the query, and return the rows and the time at which the last one was locked."""
        fetched = self._fetch(values)
        if connection.vendor == "postgresql" and fetched:
            locked_at = fetched[-1][-1]
            return self._rows(row[:-1] for row in fetched), locked_at
        # SQLite has one writer at a time, and the clock of this machine is the only one.
        return self._rows(fetched), timezone.now()


Item = TypeVar("Item", int, str, UUID)


def padded(values: Collection[Item]) -> list[Item]:
    """
    Return the distinct values, the last one repeated, so that their number is a power of two.

    A query for them is then composed, prepared and planned for a few sizes instead of for each.
    """
    distinct = sorted(set(values))
    size = 1 << (len(distinct) - 1).bit_length()
    return distinct + distinct[-1:] * (size - len(distinct))


def newest_of_each(
    owners: QuerySet[Any, Any],
    rows: QuerySet[Any, Any],
    indexes: Mapping[str, str],
    before: Any,
    count: int,
) -> list[Any]:
    """
    Return the keys of the newest ``count`` rows that refer to one of ``owners`` in some column.

    The query forces the database to use the indexes. Otherwise, depending on its statistics, it may
    read a large table from the newest row on until a page is full. Apart from rows that the filters
    of ``rows`` exclude, this reads at most one row for each owner and column, and ``count`` rows
    for each column and each of ``count`` owners.

    :param rows: the rows to choose from; a filter on other tables must be a scalar subquery,
        because a join may read those tables whole
    :param indexes: by the name of each column, its index on the column and the key, both ascending
    :param before: an exclusive upper bound of the keys
    """
    try:
        sql, parameters = owners.values("id").query.sql_with_params()
    except EmptyResultSet:
        return []
    filled = [*parameters]
    sides: list[str] = []
    for column, index in indexes.items():
        # Only the ``count`` owners with the newest rows can have one of the newest ``count`` rows.
        first, of_first = _newest_of_one(rows, column, index, before, 1)
        part, of_part = _newest_of_one(rows, column, index, before, count)
        filled += of_first + of_part
        sides.append(
            f"SELECT newest.id AS id FROM (SELECT owner.id AS id FROM owner"
            f" {_for_each_owner(rows, first)} ORDER BY newest.id DESC LIMIT {count}) AS owner"
            f" {_for_each_owner(rows, part)}"
        )
    # Materialized, so that the planner optimizes the search for the owners on its own.
    page = f"WITH owner AS MATERIALIZED ({sql}) {' UNION '.join(sides)}"
    with connection.cursor() as cursor:
        cursor.execute(f"{page} ORDER BY id DESC LIMIT {count}", filled)
        return [key for (key,) in cursor.fetchall()]


def _for_each_owner(rows: QuerySet[Any, Any], newest: str) -> str:
    if connection.vendor == "postgresql":
        return f"CROSS JOIN LATERAL ({newest}) AS newest"
    # SQLite has no LATERAL. With CROSS JOIN it reads the owners first, and then the rows by key.
    return f"CROSS JOIN {_table(rows)} AS newest ON newest.id IN ({newest})"


def _newest_of_one(
    rows: QuerySet[Any, Any], column: str, index: str, before: Any, count: int
) -> tuple[str, list[Any]]:
    """Return the SQL of the newest rows of one owner in a correlated query, and its parameters."""
    table = _table(rows)
    newest = rows.order_by(f"-{column}", "-id").values("id")
    if connection.vendor == "postgresql":
        # A range in the order of the index, because with an equality PostgreSQL could also read in
        # the order of the key. The LIMIT keeps it from using the indexes of the filters outside.
        # Written as a query, it makes PostgreSQL plan for a tenth of the rows instead of all.
        history = (
            f"(SELECT * FROM {table} WHERE ({column}, id) < (owner.id, %s)"
            f" AND {column} >= owner.id AND {column} <= owner.id"
            f" ORDER BY {column} DESC, id DESC LIMIT (SELECT {2**62})) AS {table}"
        )
        sql, parameters = newest[:count].query.sql_with_params()
        return sql.replace(f"FROM {table}", f"FROM {history}", 1), [before, *parameters]
    of_owner = RawSQL(
        f"({table}.{column} = owner.id AND {table}.id < %s)",
        [_for_database(before)],
        output_field=BooleanField(),
    )
    sql, parameters = newest.filter(of_owner)[:count].query.sql_with_params()
    return sql.replace(f"FROM {table}", f"FROM {table} INDEXED BY {index}", 1), list(parameters)


def _table(rows: QuerySet[Any, Any]) -> str:
    return connection.ops.quote_name(rows.model._meta.db_table)


def _for_database(value: Any) -> Any:
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value
