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

from django.contrib.auth.models import User
from django.db import Error, OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter
from rest_framework.response import Response

from api.deferred import DeferredResponse
from api.metrics import LEDGER_LABEL, of_ledger
from api.problems import is_unavailable, unavailable
from database.replication import confirmed
from ledger_project.idempotency.exceptions import KeyInProgress
from ledger_project.idempotency.groups import LOCK_NOT_AVAILABLE, REMEMBERED_REFUSALS, complete
from ledger_project.idempotency.models import (
    IdempotencyKey,
    relied_on_by,
    remembered_body,
    remembered_headers,
)
from ledger_project.idempotency.replays import replay

# The arguments of `IdempotencyKey.objects.claim`, besides the user.
Claim = dict[str, Any]

# Serialization failure and deadlock: the database has rolled back, and the transaction can be
# retried.
RETRYABLE_SQLSTATES = {"40001", "40P01"}
MAX_ATTEMPTS = 3

RETRIES = Counter(
    "ledger_retries", "Transactions retried after a deadlock. Should be 0.", LEDGER_LABEL
)

logger = logging.getLogger("ledger.idempotency")


def run(
    request: HttpRequest, user: User, claim: Claim, run_view: Callable[[], Response]
) -> HttpResponse:
    """Carry out the request on its own, and again after a deadlock."""
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            return _run_once(request, user, claim, run_view)
        except Error as error:
            if not is_unavailable(error):
                raise
            state = _sqlstate(error)
            if not connection.in_atomic_block:
                # The next request must not use a connection that may be broken.
                connection.close()
            if state not in RETRYABLE_SQLSTATES or attempt == MAX_ATTEMPTS:
                logger.error("database error %s", state, exc_info=error)
                raise unavailable(error) from error
            logger.warning("attempt %d failed with SQLSTATE %s: retrying", attempt, state)
            with suppress(Exception):  # A request mustn't fail because of metrics.
                of_ledger(RETRIES).inc()
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
    raise AssertionError("the last attempt returns or raises")


def _run_once(
    request: HttpRequest, user: User, claim: Claim, run_view: Callable[[], Response]
) -> HttpResponse:
    response: HttpResponse
    with transaction.atomic(durable=True):
        record_id = _claim(user, claim)
        if record_id is None:
            return _replay(user, claim)
        response = run_view()
        if isinstance(response, DeferredResponse):
            [result] = response.service([(response.work, user)])
            response = complete(request, response, result, user)
        elif isinstance(response, Response):
            response.render()
        if response.status_code < 300:
            _remember(user, record_id, response)
        else:
            transaction.set_rollback(True)
    if response.status_code in REMEMBERED_REFUSALS:
        return _remember_refusal(user, claim, response)
    return response


def _remember_refusal(user: User, claim: Claim, response: HttpResponse) -> HttpResponse:
    # In a separate transaction, because a refused request has changed nothing. This saves a
    # savepoint in all other requests. If another request with the key was faster, its response is
    # replayed.
    with transaction.atomic(durable=True):
        record_id = _claim(user, claim)
        if record_id is None:
            return _replay(user, claim)
        _remember(user, record_id, response)
    return response


def _claim(user: User, claim: Claim) -> UUID | None:
    try:
        return IdempotencyKey.objects.claim(user=user, **claim)
    except OperationalError as error:
        if _sqlstate(error) == LOCK_NOT_AVAILABLE:
            raise KeyInProgress() from error
        raise


def _replay(user: User, claim: Claim) -> HttpResponse:
    record = confirmed(IdempotencyKey.objects.all()).get(user=user, key=claim["key"])
    return replay(record, user, claim)


def _remember(user: User, record_id: UUID, response: HttpResponse) -> None:
    IdempotencyKey.objects.remember(
        record_id,
        response.status_code,
        remembered_headers(response),
        remembered_body(response),
        relied_on_by(user),
    )


def _sqlstate(error: Exception) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)
