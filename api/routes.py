"""What logs and metrics say about a request: its route, and the error of its response."""

import re
from functools import cache

from django.http import HttpRequest, HttpResponse

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


def code_of(response: HttpResponse) -> str | None:
    """Return the code of the error that the response reports, or None if it reports none."""
    error = getattr(response, "error", None)
    return None if error is None else error.code


@cache
def _template(route: str) -> str:
    return "/" + PARAMETER.sub(lambda found: f"{{{found['path'] or found['regex']}}}", route)
