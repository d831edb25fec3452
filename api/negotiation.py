"""Which body is read, and which representation is answered with."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from django.http.request import MediaType
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class LedgerContentNegotiation(BaseContentNegotiation):
    """
    ``Accept`` as RFC 9110 §12.5.1 weighs it, and one media type of a body.

    DRF's own disregards weights, and takes a body of ``*/*``, or in another charset, for JSON.
    """

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Return the parser of the body's media type, or None: 415."""
        media_type, parameters = parse_header_parameters(request.content_type or "")
        if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
            return None
        return next((each for each in parsers if each.media_type == media_type), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """
        Return the renderer that the client likes best, the first one of equals.

        :raises NotAcceptable: if it likes none
        """
        by_type = {each.media_type: each for each in renderers}
        best = preferred(request.headers.get("Accept", "*/*"), list(by_type))
        if best is None:
            raise NotAcceptable()
        return by_type[best], best


def preferred(accept: str, media_types: Sequence[str]) -> str | None:
    """Return the media type that ``Accept`` weighs most, the first of equals; None if none."""
    ranges = list(_ranges(accept))
    best = max(media_types, key=lambda media_type: _weight(media_type, ranges))
    return best if _weight(best, ranges) else None


def _ranges(accept: str) -> Iterator[MediaType]:
    for text in accept.split(","):
        # A range with a parameter in an unknown charset (RFC 8187) can't be read.
        with suppress(ValueError):
            if text.strip():
                yield MediaType(text)


def _weight(media_type: str, ranges: Sequence[MediaType]) -> float:
    main_type, _, sub_type = media_type.partition("/")
    matching = [
        each
        for each in ranges
        if each.main_type in (main_type, "*") and each.sub_type in (sub_type, "*")
    ]
    # The most specific range decides: `*/*, text/csv;q=0` is anything but CSV.
    return max(matching, key=lambda each: each.specificity).quality if matching else 0
