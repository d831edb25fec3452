"""``GET /openapi.json``: built once in each process, compressed once, and known by its ETag."""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
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
    """The document as it is sent. One weak ETag names both forms, which say the same."""

    plain: bytes
    compressed: bytes
    etag: str


@probe
def openapi_json(request: HttpRequest) -> HttpResponse:
    """Answer with the OpenAPI document; 304 if the client has it already."""
    document = openapi_document()
    headers = {"ETag": document.etag, "Vary": "Accept-Encoding", "Cache-Control": "no-cache"}
    body = document.plain
    if _accepts_gzip(request):
        body, headers["Content-Encoding"] = document.compressed, "gzip"
    response = HttpResponse(body, content_type=MEDIA_TYPE, headers=headers)
    return get_conditional_response(request, etag=document.etag, response=response) or response


def openapi_document() -> Document:
    """Return the document, built at the first call."""
    # drf-spectacular keeps what it is building in global variables, so that two threads that
    # build at once spoil each other's document.
    with _building:
        return _built()


@cache
def _built() -> Document:
    plain = orjson.dumps(SchemaGenerator().get_schema(public=True))
    return Document(plain, gzip.compress(plain, mtime=0), f'W/"{sha256(plain).hexdigest()[:32]}"')


def _accepts_gzip(request: HttpRequest) -> bool:
    """Whether the client takes gzip (RFC 9110 §12.5.3)."""
    weights = {}
    for coding in request.headers.get("Accept-Encoding", "").split(","):
        name, parameters = parse_header_parameters(coding)
        weights[name] = parameters.get("q", "1")
    try:
        return float(weights.get("gzip", weights.get("*", "0"))) > 0
    except ValueError:
        return False
