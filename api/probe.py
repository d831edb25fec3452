"""Views without DRF, such as health and metrics, that refuse by problem documents all the same."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import wraps
from types import MappingProxyType

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from api.problems import Problem, invalid, member

# The query parameters of a view, each with the values that it may have.
Choices = Mapping[str, Collection[str]]


def probe(
    view: Callable[..., HttpResponseBase], choices: Choices = MappingProxyType({})
) -> Callable[..., HttpResponseBase]:
    """Make a view of GET and HEAD alone, with these query parameters and no others."""

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD"):
            detail = f'Method "{request.method}" not allowed.'
            allow = {"Allow": "GET, HEAD"}
            return Problem(405, "method_not_allowed", detail, headers=allow).response(request)
        errors = list(_query_errors(request, choices))
        return invalid(errors).response(request) if errors else view(request)

    return guarded


def _query_errors(request: HttpRequest, choices: Choices) -> Iterator[dict[str, str]]:
    for name, values in request.GET.lists():
        pointer = member("#", name)
        if name not in choices:
            detail = "There is no such query parameter here."
            yield {"pointer": pointer, "code": "unknown_parameter", "detail": detail}
        elif not set(values) <= set(choices[name]):
            detail = f"The value must be {' or '.join(choices[name])}."
            yield {"pointer": pointer, "code": "invalid_choice", "detail": detail}
