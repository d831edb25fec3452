"""The statement as CSV (RFC 4180), streamed in constant memory."""

import csv
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer

from accounts.serializers import instant
from transfers.models import STATEMENT_LINE, LedgerEntry

CHUNK = 1000
# A spreadsheet runs a cell that begins like this; an apostrophe makes it text (OWASP).
# Some take the full-width signs for the same.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")


class StatementCSVRenderer(BaseRenderer):
    """Let a client ask for ``text/csv``. The rows themselves are streamed by ``csv_response``."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type=None, renderer_context=None) -> bytes:
        raise NotImplementedError("a statement is streamed, and a problem is JSON")


def csv_response(entries: QuerySet[LedgerEntry, Any], account_id: UUID) -> StreamingHttpResponse:
    """Return the lines of a statement, newest first, as an attachment of any length."""
    return StreamingHttpResponse(
        _lines(entries),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="statement-{account_id}.csv"'},
    )


def _lines(entries: QuerySet[LedgerEntry, Any]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(STATEMENT_LINE)
    for chunk in _chunks(entries):
        yield "".join(
            writer.writerow([entry_id, instant(ts), *rest, _harmless(ref)])
            for entry_id, ts, *rest, ref in chunk
        )


def _chunks(entries: QuerySet[LedgerEntry, Any]) -> Iterator[list[Any]]:
    # By key, with no transaction open between the chunks: a slow reader holds nothing up.
    newest_first = entries.order_by("-sequence")
    chunk = list(newest_first[:CHUNK])
    while chunk:
        yield chunk
        chunk = list(newest_first.filter(sequence__lt=chunk[-1].sequence)[:CHUNK])


def _harmless(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


class _Echo:
    """A file that gives back each line in place of keeping it."""

    def write(self, line: str) -> str:
        return line
