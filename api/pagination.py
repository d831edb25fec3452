"""One paginator for every list and statement: newest first, by a signed cursor."""

from typing import Any

from django.core import signing
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from api.exceptions import InvalidCursor


class SignedKeysetPagination(BasePagination):
    """
    Pages of ``{items, next_cursor}`` that never shift, at a constant cost at any depth.

    A view names its ``cursor_field`` (unique, never changed, newest is largest) and reads the
    ``newest`` rows before a value of it. The cursor holds that value on the last row, what the
    view has it carry, and what it was made for (the path and the filters), signed so that anything
    else is refused. It is not a right: the view checks ownership on each page.
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
        Return how many items a page of this request has.

        :raises ValidationError: if it asks for none, or too many
        """
        text = request.query_params.get(self.limit_query_param, str(self.default_limit))
        if text.isascii() and text.isdigit() and len(text) <= 3:
            limit = int(text)
            if 1 <= limit <= self.max_limit:
                return limit
        raise ValidationError({"limit": [f"Must be an integer from 1 to {self.max_limit}."]})

    def _scope(self, request: Request) -> list:
        paging = (self.limit_query_param, self.cursor_query_param)
        filters = sorted(
            [name, value] for name, value in request.query_params.items() if name not in paging
        )
        # The id in a path is the same in upper and lower case.
        return [request.path.lower(), filters]


def _signer() -> signing.Signer:
    return signing.Signer(salt="ledger.cursor", sep=".")


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
