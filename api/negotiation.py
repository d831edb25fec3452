"""Content negotiation: choose the parser of a request and the renderer of its response."""

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
    Choose by the weights in ``Accept`` (RFC 9110 §12.5.1), and by the exact type of a body.

    DRF ignores the weights, and parses a body of the type ``*/*`` or in another charset as JSON.
    """

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Return the parser for the body's media type, or None, for which DRF responds with 415."""
        media_type, parameters = parse_header_parameters(request.content_type or "")
        if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
            return None
        return next((each for each in parsers if each.media_type == media_type), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """
        Return the renderer with the highest weight; the first one if several have it.

        :raises NotAcceptable: if the client accepts none of them
        """
        by_type = {each.media_type: each for each in renderers}
        best = preferred(request.META.get("HTTP_ACCEPT", "*/*"), list(by_type))
        if best is None:
            raise NotAcceptable()
        return by_type[best], best


def preferred(accept: str, media_types: Sequence[str]) -> str | None:
    """Return the (first) media type with the highest weight, or None if none is accepted."""
    ranges = list(_ranges(accept))
    best = max(media_types, key=lambda media_type: _weight(media_type, ranges))
    return best if _weight(best, ranges) else None


def _ranges(accept: str) -> Iterator[MediaType]:
    for text in accept.split(","):
        # Ignore a range whose parameter is in an unknown charset (RFC 8187).
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
    # The most specific range decides: `*/*, text/csv;q=0` accepts anything but CSV.
    return max(matching, key=lambda each: each.specificity).quality if matching else 0
