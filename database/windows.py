"""Search only some rows of a large table, such as the newest ones."""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet


def keys_among(window: QuerySet[Any, Any], rows: QuerySet[Any, Any]) -> list[Any]:
    """
    Return the primary keys of those of ``rows`` that are in ``window``, in the order of ``rows``.

    The database reads no other rows than the window's. With the filters of both in one query it
    could choose another index, or none, and read the whole table to find a few rows.

    :param window: an ordered queryset with a limit; an index must have its order
    :param rows: a queryset of the same model, which may be ordered and have a limit of its own
    """
    found = values_among(window, rows.values_list("pk"))
    return [rows.model._meta.pk.to_python(key) for (key,) in found]


def values_among(window: QuerySet[Any, Any], rows: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """
    Return the values of those of ``rows`` that are in ``window``, as ``keys_among`` reads them.

    :param rows: a queryset with ``values_list``; its values are returned as the database has them
    """
    try:
        inner, of_window = window.query.sql_with_params()
        outer, of_rows = rows.query.sql_with_params()
    except EmptyResultSet:
        return []
    table = connection.ops.quote_name(rows.model._meta.db_table)
    sql = outer.replace(f"FROM {table}", f"FROM ({inner}) AS {table}", 1)
    with connection.cursor() as cursor:
        cursor.execute(sql, [*of_window, *of_rows])
        return cursor.fetchall()


def has_more(window: QuerySet[Any, Any]) -> bool:
    """Return whether a queryset has more rows than its limit. Counts in an index, up to there."""
    unlimited = window.all()
    most = unlimited.query.high_mark
    assert most is not None, "The window has no limit."
    unlimited.query.clear_limits()
    return bool(unlimited.values("pk")[most : most + 1])
