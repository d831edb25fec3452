"""``GET /openapi.json``: built and compressed once in each process, with an ETag."""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from threading import Lock

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import parse_header_parameters
from drf_spectacular.generators import SchemaGenerator

from api.probe import probe

MEDIA_TYPE = "application/vnd.oai.openapi+json"

_building = Lock()


@dataclass(frozen=True, slots=True)
class Document:
    """The encoded document. Both forms have the same weak ETag, because they are equivalent."""

    plain: bytes
    compressed: bytes
    etag: str


@probe
def openapi_json(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI document, or 304 if the client already has this version."""
    document = openapi_document()
    headers = {"ETag": document.etag, "Vary": "Accept-Encoding", "Cache-Control": "no-cache"}
    body = document.plain
    if _accepts_gzip(request):
        body, headers["Content-Encoding"] = document.compressed, "gzip"
    response = HttpResponse(body, content_type=MEDIA_TYPE, headers=headers)
    found = get_conditional_response(request, etag=document.etag, response=response)
    # If-Match and If-Unmodified-Since are for writes, and are ignored as on every other route.
    return found if found and found.status_code == HTTPStatus.NOT_MODIFIED else response


def openapi_document() -> Document:
    """Return the document. The first call builds it."""
    # drf-spectacular builds the document in global variables, so two threads must not build it
    # at the same time.
    with _building:
        return _built()


@cache
def _built() -> Document:
    plain = orjson.dumps(SchemaGenerator().get_schema(public=True))
    return Document(plain, gzip.compress(plain, mtime=0), f'W/"{sha256(plain).hexdigest()[:32]}"')


def _accepts_gzip(request: HttpRequest) -> bool:
    """Whether the client accepts gzip (RFC 9110 §12.5.3)."""
    weights = {}
    for coding in request.headers.get("Accept-Encoding", "").split(","):
        name, parameters = parse_header_parameters(coding)
        weights[name] = parameters.get("q", "1")
    try:
        return float(weights.get("gzip", weights.get("*", "0"))) > 0
    except ValueError:
        return False
