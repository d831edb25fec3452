"""The statement as CSV (RFC 4180): whole or not at all, in constant memory."""

import csv
import re
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from time import monotonic
from typing import Any, TextIO
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse
from rest_framework.renderers import BaseRenderer

from api.exceptions import TemporarilyUnavailable
from api.instants import instant
from transfers.export_file import ExportFile
from transfers.models import LedgerEntry
from transfers.querysets import STATEMENT_LINE

CHUNK = 1000
BLOCK_BYTES = 64 * 1024
# After which it is given up, so that others get their turn.
EXPORT_SECONDS = 120
# A spreadsheet runs a cell that begins with one of these signs; an apostrophe before it makes the
# cell text (OWASP, CSV Injection). Some take the full-width signs for the same. A cell also begins
# after `;`, a tab, `|` or a line break inside a text where the reader takes that for the separator:
# it then doesn't see our quotes. A comma needs nothing, because a text that has one is quoted.
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
    """Let a client ask for ``text/csv``. The rows themselves are sent by ``csv_response``."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type=None, renderer_context=None) -> bytes:
        raise NotImplementedError("a statement is streamed, and a problem is JSON")


def csv_response(entries: QuerySet[LedgerEntry, Any], account_id: UUID) -> FileResponse:
    """
    Return the lines of a statement, newest first, as an attachment of any length.

    They go into a file on the disk before the first byte is sent. If the database fails on the way
    the answer is 503, and no file that lacks lines without a word; and the answer has a length, by
    which a client knows that it has all of it.

    :raises ExportTookTooLong: after ``EXPORT_SECONDS``
    :raises TooManyExports: if too many are being made or read
    :raises NoRoomForExport: if they take too much of the disk
    """
    file = ExportFile()
    try:
        text = TextIOWrapper(file, encoding="utf-8", newline="")
        write_csv(text, _chunks(entries))
        text.detach()  # And so written out.
        file.seek(0)
    except BaseException:
        file.close()
        raise
    response = FileResponse(
        file,
        as_attachment=True,
        filename=f"statement-{account_id}.csv",
        content_type="text/csv; charset=utf-8",
    )
    response.block_size = BLOCK_BYTES
    return response


def write_csv(text: TextIO, chunks: Iterable[Iterable[Any]]) -> None:
    """
    Write the header and a row for each statement line.

    No cell is a formula, whichever of ``,``, ``;``, tab and ``|`` a reader takes for the separator.
    """
    writer = csv.writer(text)
    writer.writerow(STATEMENT_LINE)
    for chunk in chunks:
        writer.writerows(
            line._replace(ts=instant(line.ts), ref=_harmless(line.ref)) for line in chunk
        )


def _chunks(entries: QuerySet[LedgerEntry, Any]) -> Iterator[list[Any]]:
    # By key, with no transaction open between the chunks: a long export holds nothing up.
    newest_first = entries.order_by("-sequence")
    deadline = monotonic() + EXPORT_SECONDS
    chunk = list(newest_first[:CHUNK])
    while chunk:
        yield chunk
        if monotonic() > deadline:
            raise ExportTookTooLong()
        chunk = list(newest_first.filter(sequence__lt=chunk[-1].sequence)[:CHUNK])


def _harmless(memo: str | None) -> str | None:
    return memo and FORMULA.sub("'", memo)
