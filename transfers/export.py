"""Export a statement as CSV (RFC 4180), completely or not at all, in constant memory."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from errno import EDQUOT, EFBIG, ENOSPC
from io import TextIOWrapper
from time import monotonic
from typing import Any, TextIO
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse
from rest_framework.renderers import BaseRenderer

from api.exceptions import TemporarilyUnavailable
from api.instants import instant
from transfers.export_file import ExportFile, NoRoomForExport
from transfers.models import LedgerEntry
from transfers.querysets import STATEMENT_LINE

CHUNK = 1000
BLOCK_BYTES = 64 * 1024
# The disk, the quota or the largest size of a file doesn't allow another byte.
DISK_FULL = {ENOSPC, EDQUOT, EFBIG}
# An export that takes longer is aborted, so that others get their turn.
EXPORT_SECONDS = 120
# Spreadsheets evaluate a cell that begins with =, +, - or @, and some accept the full-width forms
# too. An apostrophe in front makes the cell text (OWASP, CSV Injection). A reader that separates
# cells by `;`, tab or `|` doesn't recognize our quotes, so for it a cell also begins after such a
# character or a line break inside a text. Commas are safe, because texts with commas are quoted.
FORMULA = re.compile(
    r"""
    (?: \A | (?<=[;|\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]) )
    (?= [\s"]* [=+\-@\uff1d\uff0b\uff0d\uff20] )
    | \A (?= [\t\n\r] )
    """,
    re.VERBOSE,
)


class ExportTookTooLong(TemporarilyUnavailable):
    detail = "The export took too long. Narrow the range with from and to."


class StatementCSVRenderer(BaseRenderer):
    """Let clients request ``text/csv``. ``csv_response`` sends the rows."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type=None, renderer_context=None) -> bytes:
        raise NotImplementedError("statements are streamed, and problem documents are JSON")


def csv_response(entries: QuerySet[LedgerEntry, Any], account_id: UUID) -> FileResponse:
    """
    Return the lines of a statement, newest first, as a CSV attachment.

    :raises: as ``csv_file``
    """
    rows = (map(_cells, chunk) for chunk in chunks_of(entries, "sequence"))
    return csv_file(f"statement-{account_id}.csv", STATEMENT_LINE, rows)


def csv_file(name: str, header: Sequence[str], chunks: Iterable[Iterable[Any]]) -> FileResponse:
    """
    Return rows as a CSV attachment with this file name.

    The rows are written to a temporary file before the first byte is sent. If the database fails
    meanwhile, the response is a 503 and never a silently truncated file. The response has a
    ``Content-Length``, so clients can verify that they received all of it.

    :raises ExportTookTooLong: after ``EXPORT_SECONDS``
    :raises TooManyExports: if too many exports are being written or sent
    :raises NoRoomForExport: if the exports in progress would take too much disk space
    """
    file = ExportFile()
    try:
        text = TextIOWrapper(file, encoding="utf-8", newline="")
        write_rows(text, header, chunks)
        text.detach()  # Flushes the text.
        file.seek(0)
    except BaseException as error:
        with suppress(OSError):
            file.close()
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise NoRoomForExport() from error
        raise
    response = FileResponse(
        file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8"
    )
    response.block_size = BLOCK_BYTES
    return response


def write_csv(text: TextIO, chunks: Iterable[Iterable[Any]]) -> None:
    """Write a header and one row for each statement line."""
    write_rows(text, STATEMENT_LINE, (map(_cells, chunk) for chunk in chunks))


def write_rows(text: TextIO, header: Sequence[str], chunks: Iterable[Iterable[Any]]) -> None:
    writer = csv.writer(text)
    writer.writerow(header)
    for chunk in chunks:
        writer.writerows(chunk)


def chunks_of(rows: QuerySet[Any, Any], key: str) -> Iterator[list[Any]]:
    """
    Yield all rows in descending order of ``key``, which must be unique, a chunk at a time.

    :raises ExportTookTooLong: after ``EXPORT_SECONDS``
    """
    # Keyset pagination without a transaction around the chunks: a long export holds no snapshot.
    newest_first = rows.order_by(f"-{key}")
    deadline = monotonic() + EXPORT_SECONDS
    chunk = list(newest_first[:CHUNK])
    while chunk:
        yield chunk
        if monotonic() > deadline:
            raise ExportTookTooLong()
        last = getattr(chunk[-1], key)
        chunk = list(newest_first.filter(**{f"{key}__lt": last})[:CHUNK])


def harmless(text: str | None) -> str | None:
    """
    Return a text for a cell of a CSV file, so that no program takes it for a formula.

    That holds whether the program uses ``,``, ``;``, tab or ``|`` as the separator.
    """
    return text and FORMULA.sub("'", text)


def _cells(line: Any) -> Any:
    return line._replace(ts=instant(line.ts), ref=harmless(line.ref))
