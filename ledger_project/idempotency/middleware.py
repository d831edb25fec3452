"""
Run each mutating view of the API once per user and ``Idempotency-Key``.

A view that returns a ``DeferredResponse`` is carried out together with other requests (see
``groups``). Every other one is carried out on its own (see ``single``).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import NotAuthenticated, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.deferred import DeferredResponse
from api.errors import ApiError
from api.exceptions import Busy, TemporarilyUnavailable
from api.parsers import require_size, strict_json
from api.problems import problem_of
from database.switching import current_ledger
from ledger_project.idempotency.combining import TookTooLong
from ledger_project.idempotency.exceptions import KeyInvalid, KeyMissing
from ledger_project.idempotency.groups import Member, combiner
from ledger_project.idempotency.keys import read_key
from ledger_project.idempotency.models import LONGEST_PATH, fingerprint
from ledger_project.idempotency.single import Claim, run

# A view function, with the attributes that DRF's `as_view()` puts on it.
View = Any

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


class IdempotencyMiddleware:
    """
    Run each mutating view of the API once per user and ``Idempotency-Key``.

    It must come last, because it calls the view. It does so in ``process_view`` and not around
    ``get_response``, because Django turns an exception of the view into a 500 response before a
    middleware sees it, and the view's writes would be committed. A view that needs no key sets
    ``idempotency_exempt = True``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if not _needs_key(request, view):
            return None
        try:
            if not _allows(request, view):
                return None  # The view responds with 401 or 405.
            run_view = partial(view, request, *args, **kwargs)
            answer = _carried_out_in_group(request, view, run_view)
            if answer is not None:
                return answer
            user = _authenticated_user(request, view)
            claim = _claim_of(request, view)
            if (prepare := getattr(view.cls, "before_transaction", None)) is not None:
                prepare(request)
            return run(request, user, claim, run_view)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                raise
            return problem.response(request)


def _carried_out_in_group(
    request: HttpRequest, view: View, run_view: Callable[[], Response]
) -> HttpResponse | None:
    """
    Return the response if the request was carried out in a group, or None if nothing was done.

    None also stands for every request that is invalid. It is looked at once more, so that errors
    take precedence over each other as on all routes.
    """
    if _action(request, view) not in getattr(view.cls, "deferred_actions", ()):
        return None
    authentication = view.cls.authentication_classes[0]()
    token = authentication.identify(request)
    if token is None:
        return None
    answer = None
    try:
        claim = _claim_of(request, view)
        with connection.execute_wrapper(_refuse_statement):
            response = run_view()
        if isinstance(response, DeferredResponse):
            member = Member(
                request, response, int(token["user_id"]), claim, token, authentication.admits
            )
            combiner(response.service, current_ledger()).submit(member)
            answer = member.answer
            if answer is None and member.is_late:
                raise TookTooLong(is_pending=True)
    except ApiError:
        pass
    except TookTooLong as error:
        raise (TemporarilyUnavailable() if error.is_pending else Busy()) from error
    finally:
        if answer is None:
            authentication.forget(request)
    return answer


def _refuse_statement(*_call: object) -> None:
    raise RuntimeError("A view with deferred work must not use the database.")


# ── The request ──────────────────────────────────────────────────────────────────────────────────


def _needs_key(request: HttpRequest, view: View) -> bool:
    cls = getattr(view, "cls", None)
    if request.method in SAFE_METHODS or cls is None or not issubclass(cls, APIView):
        return False
    return not getattr(cls, "idempotency_exempt", False)


def _allows(request: HttpRequest, view: View) -> bool:
    # A viewset has no method `post`. Its route maps HTTP methods to actions.
    method = (request.method or "").lower()
    return method in view.actions if hasattr(view, "actions") else hasattr(view.cls, method)


def _authenticated_user(request: HttpRequest, view: View) -> User:
    # DRF's authentication classes expect DRF's request.
    drf_request = Request(request)
    for authentication in view.cls.authentication_classes:
        outcome = authentication().authenticate(drf_request)
        if outcome is not None:
            user: User = outcome[0]
            return user
    raise NotAuthenticated()


def _action(request: HttpRequest, view: View) -> str | None:
    actions: dict[str, str] = getattr(view, "actions", {})
    return actions.get((request.method or "").lower())


def _claim_of(request: HttpRequest, view: View) -> Claim:
    key = _key_of(request)
    require_size(request, view.cls.max_body)
    try:
        document = strict_json(request.body)
    except ParseError:
        document = None
    path = request.get_full_path()
    return {
        "key": key,
        "method": request.method,
        "path": path[:LONGEST_PATH],
        "fingerprint": fingerprint(request.method or "", path, document, request.body),
    }


def _key_of(request: HttpRequest) -> str:
    header = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if header is None:
        raise KeyMissing()
    key = read_key(header)
    if key is None:
        raise KeyInvalid()
    return key
