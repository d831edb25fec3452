"""What is known about a request by its route, and the error of its response."""

import re
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from api.errors import ApiError
from api.exceptions import LARGEST_BODY
from api.operations import handler_of

# A parameter as Django writes it, in a path or in a regular expression:
# `accounts/<id:account_id>`, `admin/(?P<url>.*)$`.
PARAMETER = re.compile(r"<(?:[^:>]+:)?(?P<path>[^>]+)>|\(\?P<(?P<regex>[^>]+)>[^)]*\)\$?")


def route_of(request: HttpRequest) -> str | None:
    """
    Return the template of the request's route, such as ``/accounts/{account_id}``.

    None if no route matches the path, or if the request was refused before its path was examined.
    """
    match = request.resolver_match
    return None if match is None else _template(match.route)


# Few, because clients choose the paths, which may be long.
@lru_cache(16)
def largest_body(path: str) -> int:
    """Return the size limit of a request body for this path, in bytes."""
    limit: int = getattr(_class_of(path), "max_body", LARGEST_BODY)
    return limit


def described(error: ApiError, path: str) -> ApiError:
    """Return the error with which a request is refused, as the route of this path describes it."""
    describe = getattr(_class_of(path), "describe_refusal", None)
    return error if describe is None else describe(error)


def _class_of(path: str) -> Any:
    """Return the class of the view for this path, or None if it has no class or there is none."""
    try:
        return getattr(resolve(path).func, "cls", None)
    except Resolver404:
        return None


def scope_of(method: str, path: str) -> str | None:
    """Return the scope that the operation requires of a service key, or None if there is none."""
    try:
        handler = handler_of(resolve(urlsplit(path).path).func, method)
    except Resolver404:
        return None
    scope: str | None = getattr(getattr(handler, "operation", None), "scope", None)
    return scope


def code_of(response: HttpResponse) -> str | None:
    """Return the code of the error that the response reports, or None if it reports none."""
    error = getattr(response, "error", None)
    return getattr(response, "replayed_code", None) if error is None else error.code


@cache
def _template(route: str) -> str:
    return "/" + PARAMETER.sub(lambda found: f"{{{found['path'] or found['regex']}}}", route)
