"""
Commit the idempotency key, the view's changes and the stored response in one transaction.

    BEGIN
      claim the key            a concurrent request with the same key waits here, then replays
      run the view             on an error: ROLLBACK, including the key; some errors are stored next
      store the response
    COMMIT                     the response is sent only after this
"""

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import Error, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter
from rest_framework.exceptions import NotAuthenticated, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.exceptions import LARGEST_BODY, TemporarilyUnavailable
from api.parsers import require_size, strict_json
from api.problems import is_unavailable, problem_of
from ledger_project.idempotency.exceptions import (
    AnswerWithheld,
    KeyExpired,
    KeyInProgress,
    KeyInvalid,
    KeyMissing,
    KeyReused,
)
from ledger_project.idempotency.keys import read_key
from ledger_project.idempotency.models import (
    LONGEST_PATH,
    REMEMBERED_HEADERS,
    IdempotencyKey,
    fingerprint,
)

# A view function, with the attributes that DRF's `as_view()` puts on it.
View = Any
# The arguments of `IdempotencyKey.objects.claim`.
Claim = dict[str, Any]

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}

# The errors that are stored, because the same request might succeed later. Errors that depend only
# on the request (400, 422, ...) or leave the outcome open (5xx) leave the key unused.
REMEMBERED_REFUSALS = {404, 409}

# Serialization failure and deadlock: the database has rolled back, and the transaction can be
# retried.
RETRYABLE_SQLSTATES = {"40001", "40P01"}
LOCK_NOT_AVAILABLE = "55P03"
MAX_ATTEMPTS = 3

RETRIES = Counter("ledger_retries", "Transactions retried after a deadlock. Should be 0.")

logger = logging.getLogger("ledger.idempotency")


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
            user = _authenticated_user(request, view)
            claim = _claim_of(request, view, user)
            return _run(claim, lambda: view(request, *args, **kwargs))
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                raise
            return problem.response(request)


def _run(claim: Claim, view: Callable[[], Response]) -> HttpResponse:
    """Run the view in a transaction, which is retried after a deadlock."""
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            return _run_once(claim, view)
        except Error as error:
            if not is_unavailable(error):
                raise
            state = _sqlstate(error)
            if not connection.in_atomic_block:
                # The next request must not use a connection that may be broken.
                connection.close()
            if state not in RETRYABLE_SQLSTATES or attempt == MAX_ATTEMPTS:
                logger.error("database error %s", state, exc_info=error)
                raise TemporarilyUnavailable() from error
            logger.warning("attempt %d failed with SQLSTATE %s: retrying", attempt, state)
            with suppress(Exception):  # A request mustn't fail because of metrics.
                RETRIES.inc()
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
    raise AssertionError("the last attempt returns or raises")


def _run_once(claim: Claim, view: Callable[[], Response]) -> HttpResponse:
    with transaction.atomic(durable=True):
        record_id = _claim(claim)
        if record_id is None:
            return _replay(claim)
        response = view()
        response.render()
        if response.status_code < 300:
            _remember(claim, record_id, response)
        else:
            transaction.set_rollback(True)
    if response.status_code in REMEMBERED_REFUSALS:
        return _remember_refusal(claim, response)
    return response


def _remember_refusal(claim: Claim, response: Response) -> HttpResponse:
    # In a separate transaction, because a refused request has changed nothing. This saves a
    # savepoint in all other requests. If another request with the key was faster, its response is
    # replayed.
    with transaction.atomic(durable=True):
        record_id = _claim(claim)
        if record_id is None:
            return _replay(claim)
        _remember(claim, record_id, response)
    return response


def _claim(claim: Claim) -> UUID | None:
    try:
        return IdempotencyKey.objects.claim(**claim)
    except OperationalError as error:
        if _sqlstate(error) == LOCK_NOT_AVAILABLE:
            raise KeyInProgress() from error
        raise


def _replay(claim: Claim) -> HttpResponse:
    record = IdempotencyKey.objects.get(user=claim["user"], key=claim["key"])
    if record.fingerprint != claim["fingerprint"]:
        raise KeyReused()
    answer = record.answer()
    if answer is None:
        raise KeyExpired()
    if not record.may_be_shown_to(claim["user"]):
        raise AnswerWithheld(answer.status)
    headers = {**answer.headers, "Idempotent-Replayed": "true"}
    return HttpResponse(answer.body, status=answer.status, headers=headers)


def _remember(claim: Claim, record_id: UUID, response: Response) -> None:
    headers = {name: response[name] for name in REMEMBERED_HEADERS if response.has_header(name)}
    body = response.content.decode()
    # ``accounts.rights`` records the permissions that were needed on the user.
    relied_on = getattr(claim["user"], "relied_on", ())
    IdempotencyKey.objects.remember(record_id, response.status_code, headers, body, relied_on)


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


def _authenticated_user(request: HttpRequest, view: View) -> AbstractBaseUser:
    # DRF's authentication classes expect DRF's request.
    drf_request = Request(request)
    for authentication in view.cls.authentication_classes:
        outcome = authentication().authenticate(drf_request)
        if outcome is not None:
            user: AbstractBaseUser = outcome[0]
            return user
    raise NotAuthenticated()


def _claim_of(request: HttpRequest, view: View, user: AbstractBaseUser) -> Claim:
    key = _key_of(request)
    require_size(request, getattr(view.cls, "max_body", LARGEST_BODY))
    try:
        document = strict_json(request.body)
    except ParseError:
        document = None
    path = request.get_full_path()
    return {
        "user": user,
        "key": key,
        "method": request.method,
        "path": path[:LONGEST_PATH],
        "fingerprint": fingerprint(request.method or "", path, document, request.body),
    }


def _key_of(request: HttpRequest) -> str:
    header = request.headers.get("Idempotency-Key")
    if header is None:
        raise KeyMissing()
    key = read_key(header)
    if key is None:
        raise KeyInvalid()
    return key


def _sqlstate(error: Exception) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)
