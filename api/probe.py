"""A decorator for views without DRF, such as health and metrics, with problem documents."""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import wraps
from types import MappingProxyType

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from api.exceptions import MethodNotAllowed, ValidationFailed
from api.parsers import unknown_parameter
from api.problems import Problem, member

# The query parameters of a view, each with its valid values.
Choices = Mapping[str, Collection[str]]


def probe(
    view: Callable[..., HttpResponseBase], choices: Choices = MappingProxyType({})
) -> Callable[..., HttpResponseBase]:
    """Restrict a view to GET and HEAD, and to these query parameters."""

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD"):
            refusal = MethodNotAllowed()
            refusal.headers = {"Allow": "GET, HEAD"}
            return Problem(refusal).response(request)
        if errors := list(_query_errors(request, choices)):
            return Problem(ValidationFailed(errors)).response(request)
        return view(request)

    return guarded


def _query_errors(request: HttpRequest, choices: Choices) -> Iterator[dict[str, str]]:
    for name, values in request.GET.lists():
        pointer = member("#", name)
        if name not in choices:
            detail = unknown_parameter(choices)
            yield {"pointer": pointer, "code": "unknown_parameter", "detail": detail}
        elif not set(values) <= set(choices[name]):
            detail = f"The value must be {' or '.join(choices[name])}."
            yield {"pointer": pointer, "code": "invalid_choice", "detail": detail}
