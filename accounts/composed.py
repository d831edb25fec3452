"""
Queries that Django's ORM composes once, and not for each request or each of many values.

To compose one takes the ORM longer than PostgreSQL takes to answer it. The QuerySet stays the one
place that says what is asked; its SQL is kept, and filled with the values of each request.
"""

from collections import namedtuple
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

Row = TypeVar("Row")


class ComposedQuery(Generic[Row]):
    """
    The SQL of a queryset, to be asked with other values than those it was made with.

    :param queryset: of whole rows, annotated or not, or of ``values_list(..., named=True)``
    :param samples: the values that will be others, in the order of the calls; each is found among
        the parameters of the SQL, and so must differ from every other parameter
    """

    def __init__(self, queryset: QuerySet[Any, Row], samples: Sequence[Any]) -> None:
        compiler = queryset.query.get_compiler(queryset.db)
        self._sql, parameters = compiler.as_sql()
        self._parameters = list(parameters)
        self._places = [self._parameters.index(_for_database(sample)) for sample in samples]
        columns = [column for column, _, _ in compiler.select]
        self._converters = compiler.get_converters(columns)
        self._row: Callable[[Sequence[Any]], Row]
        if named := queryset.query.selected:
            self._row = namedtuple("Row", named)._make  # type: ignore[attr-defined]
        else:
            # What is annotated comes after the columns of the model.
            annotated = list(queryset.query.annotation_select)
            own = columns[: len(columns) - len(annotated)]
            names = [column.target.attname for column in own]
            from_db = partial(queryset.model.from_db, queryset.db, names)
            self._row = partial(_annotated_row, from_db, annotated) if annotated else from_db

    def __call__(self, *values: Any) -> list[Row]:
        """Ask with these values in the place of the samples, and return the rows."""
        parameters = self._parameters.copy()
        for place, value in zip(self._places, values, strict=True):
            parameters[place] = _for_database(value)
        with connection.cursor() as cursor:
            cursor.execute(self._sql, parameters)
            rows = cursor.fetchall()
        if self._converters:
            rows = map(self._read, rows)
        return list(map(self._row, rows))

    def _read(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place, (converters, column) in self._converters.items():
            for convert in converters:
                values[place] = convert(values[place], column, connection)
        return values


def _annotated_row(
    from_db: Callable[[Sequence[Any]], Row], names: Sequence[str], values: Sequence[Any]
) -> Row:
    row = from_db(values[: -len(names)])
    for name, value in zip(names, values[-len(names) :], strict=True):
        setattr(row, name, value)
    return row


def union_for_each(
    values: Collection[Any], querysets: Iterable[QuerySet[Any, Any]], sample: Any
) -> RawSQL:
    """
    Return the rows of querysets of one column, each asked with every value in place of ``sample``.

    It is for ``__in``. Django's own ``union()`` composes each part anew, and takes none with a
    LIMIT on SQLite, which wants that in brackets of a SELECT.
    """
    parts: list[str] = []
    filled: list[Any] = []
    for sql, parameters in (queryset.query.sql_with_params() for queryset in querysets):
        place = parameters.index(_for_database(sample))
        for value in values:
            parts.append(f"SELECT * FROM ({sql}) AS part")
            filled += [*parameters[:place], _for_database(value), *parameters[place + 1 :]]
    return RawSQL(" UNION ".join(parts), filled)


def _for_database(value: Any) -> Any:
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value
