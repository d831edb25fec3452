"""Keyset pagination with a signed cursor, newest first, for all lists and statements."""

from typing import Any

from django.core import signing
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from api.exceptions import InvalidCursor
from database.switching import current_ledger


class SignedKeysetPagination(BasePagination):
    """
    Return pages of ``{items, next_cursor}`` that don't shift when rows are added.

    The cost of a page doesn't depend on its depth. A view names its ``cursor_field`` (unique,
    immutable, largest for the newest row), and its method ``newest`` reads the rows before a value
    of that field. The cursor holds the value of the last row, the data that the view adds to it,
    and the path and filters that it is valid for. It is signed, so that a changed one is refused.
    A cursor grants no access: the view checks ownership on each page.
    """

    default_limit = 50
    max_limit = 100
    limit_query_param = "limit"
    cursor_query_param = "cursor"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list:
        limit = self.limit_of(request)
        cursor = request.query_params.get(self.cursor_query_param)
        scope = self._scope(request)
        last = None
        if cursor is None:
            self.carried = view.carried_by_cursor()
        else:
            last, self.carried = _read(cursor, scope)
        rows = view.newest(queryset, before=last, count=limit + 1)
        self.next_cursor = None
        if len(rows) > limit:
            rows.pop()
            last = getattr(rows[-1], view.cursor_field)
            self.next_cursor = _sign(last, self.carried, scope)
        return rows

    def get_paginated_response(self, data: list) -> Response:
        return Response({"items": data, "next_cursor": self.next_cursor, **self.carried})

    def get_schema_operation_parameters(self, view: Any) -> list[dict]:
        return [
            {
                "name": self.limit_query_param,
                "in": "query",
                "description": "The number of items in a page.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_limit,
                    "default": self.default_limit,
                },
            },
            {
                "name": self.cursor_query_param,
                "in": "query",
                "description": "The `next_cursor` of the previous page. Use the same filters.",
                "schema": {"type": "string", "minLength": 1},
            },
        ]

    def limit_of(self, request: Request) -> int:
        """
        Return the maximum number of items on a page of this request.

        :raises ValidationError: if ``limit`` isn't an integer from 1 to ``max_limit``
        """
        return integer_of(request, self.limit_query_param, self.default_limit, 1, self.max_limit)

    def _scope(self, request: Request) -> list:
        paging = (self.limit_query_param, self.cursor_query_param)
        filters = sorted(
            [name, value] for name, value in request.query_params.items() if name not in paging
        )
        # Upper and lower case of the id in a path mean the same.
        return [request.path.lower(), filters]


def integer_of(request: Request, name: str, default: int, least: int, most: int) -> int:
    """
    Return a query parameter that is an integer.

    :raises ValidationError: if it isn't an integer from ``least`` to ``most``
    """
    text = request.query_params.get(name, str(default))
    if text.isascii() and text.isdigit() and len(text) <= 3 and least <= int(text) <= most:
        return int(text)
    raise ValidationError({name: [f"Must be an integer from {least} to {most}."]})


def _signer() -> signing.Signer:
    # A cursor of one ledger is forged in every other one.
    return signing.Signer(salt=f"ledger.cursor{current_ledger() or ''}", sep=".")


def _sign(last: Any, carried: dict, scope: list) -> str:
    return _signer().sign_object([last if isinstance(last, int) else str(last), carried, scope])


def _read(cursor: str, scope: list) -> tuple[Any, dict]:
    try:
        last, carried, made_for = _signer().unsign_object(cursor)
    except (signing.BadSignature, ValueError) as error:
        raise InvalidCursor() from error
    if made_for != scope:
        raise InvalidCursor()
    return last, carried
