"""
Carry out the deferred work of all requests that are waiting, in one transaction.

    BEGIN                                 what is queued by now is the group
      read the callers, and which keys are used
      do the work of all                  what is refused changes nothing
      insert the keys with the responses  a key that was used in the meantime fails the group
    COMMIT                                the responses are sent only after this

A request whose key is used gets the stored response. A group commits whole or is dissolved: nothing
of it is committed, and each request is carried out on its own. So is a request that needs a closer
look: its caller isn't admitted, another one in the group has the same key, or its work would delay
the others.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from django.contrib.auth.models import User
from django.db import Error, IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

from api.deferred import ALONE, DeferredResponse, Service
from api.errors import ApiError
from api.metrics import LEDGER_LABEL, of_ledger
from api.problems import Problem, problem_of
from ledger_project.idempotency.callers import callers_of
from ledger_project.idempotency.combining import Combiner, Group
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.idempotency.replays import Name, records_of, replay
from ledger_project.permissions import look_up_permissions
from ledger_project.tokens import client_of

# Several times as many requests as are usually waiting, and still few milliseconds.
LARGEST_GROUP = 64
# How many seconds a request waits for its group before it gets a 503. If the group fails later than
# that, the request isn't carried out on its own, or its client would wait twice as long.
GROUP_SECONDS = 10

# The errors that are stored, because the same request might succeed later. Errors that depend only
# on the request (400, 422, ...) or leave the outcome open (5xx) leave the key unused.
REMEMBERED_REFUSALS = {404, 409}

# After errors of these classes (transaction rollback, constraint, lock not available), a connection
# works as before.
HARMLESS_SQLSTATES = ("40", "23", "55")
LOCK_NOT_AVAILABLE = "55P03"

SIZES = Histogram(
    "ledger_group_size",
    "Requests that were carried out in one transaction.",
    LEDGER_LABEL,
    buckets=(1, 2, 4, 8, 16, 32, LARGEST_GROUP),
)
WAITED = Histogram(
    "ledger_group_wait_seconds", "Seconds that a request waited for its group.", LEDGER_LABEL
)
DISSOLVED = Counter(
    "ledger_groups_dissolved",
    "Groups whose requests were carried out one by one instead, by the reason.",
    ["reason", *LEDGER_LABEL],
)

logger = logging.getLogger("ledger.idempotency")


@dataclass(eq=False)
class Member:
    """
    A request in a group. ``answer`` is None until a group with it has been committed.

    ``claim`` holds the columns of its idempotency key. ``token`` is the caller's, whose signature
    is valid, and ``admits`` tells whether it still admits a user.
    """

    request: HttpRequest
    response: DeferredResponse
    user_id: int
    claim: dict[str, Any]
    token: Any
    admits: Callable[[User, Any], bool]
    queued_at: float = field(default_factory=time.monotonic)
    answer: HttpResponse | None = None

    @property
    def name(self) -> Name:
        """What is unique for each request: its caller and its key."""
        return self.user_id, self.claim["key"]

    @property
    def is_late(self) -> bool:
        """Whether the request has waited too long to be carried out once more."""
        return time.monotonic() - self.queued_at > GROUP_SECONDS


# Members, each with its own copy of its caller.
Callers = list[tuple[Member, User]]


@cache
def combiner(service: Service, _ledger: str | None) -> Combiner[Member]:
    """Return the combiner of the requests to a ledger that ``service`` does the work of."""
    # One for each ledger, because a group shares a transaction.
    return Combiner(partial(_run, service), largest=LARGEST_GROUP, patience=GROUP_SECONDS)


def complete(
    request: HttpRequest, response: DeferredResponse, result: Any, user: User
) -> HttpResponse:
    """Return the response to a request whose work has led to ``result``, or was refused by it."""
    if not isinstance(result, Exception):
        response.complete(result, user)
        return response
    problem = problem_of(result)
    if problem is None:
        raise result
    return problem.response(request)


def _run(service: Service, group: Group[Member]) -> None:
    try:
        with transaction.atomic(durable=True):
            # Only now, because others could join while this thread waited for BEGIN.
            members = group()
            _measure(members)
            answers = _carry_out(service, members)
    except Exception as error:
        # Also if the outcome of the COMMIT is unknown: each request then looks for its key.
        _dissolve(error, len(group()))
        return
    for member, answer in answers:
        member.answer = answer


def _carry_out(service: Service, members: Sequence[Member]) -> list[tuple[Member, HttpResponse]]:
    admitted, repeated = _admitted(members)
    answers = _replays(repeated)
    if not admitted:
        return answers
    results = service([(member.response.work, user) for member, user in admitted])
    rows = []
    for (member, user), result in zip(admitted, results, strict=True):
        if result is ALONE:
            continue
        answer = complete(member.request, member.response, result, user)
        answers.append((member, answer))
        if answer.status_code < 300 or answer.status_code in REMEMBERED_REFUSALS:
            rows.append(IdempotencyKey.answered(user, member.claim, answer))
    IdempotencyKey.objects.insert(rows)
    return answers


def _admitted(members: Sequence[Member]) -> tuple[Callers, Callers]:
    """Return the members that can be carried out together, and those whose key is used."""
    names = [member.name for member in members]
    clients = {client_of(member.token) for member in members}
    users, used = callers_of(names, [client for client in clients if client is not None])
    # Here, because each member's copy of its caller would look them up again.
    look_up_permissions(users.values())
    admitted: Callers = []
    repeated: Callers = []
    taken = set()
    for member in members:
        # A copy, because the permissions that a response relied on, and the scopes of the token,
        # are recorded on the user.
        user = copy(users.get(member.user_id))
        # The second of two requests with one key has to wait for the first.
        if user is None or member.name in taken or not member.admits(user, member.token):
            continue
        if member.name in used:
            repeated.append((member, user))
        else:
            taken.add(member.name)
            admitted.append((member, user))
    return admitted, repeated


def _replays(repeated: Callers) -> list[tuple[Member, HttpResponse]]:
    if not repeated:
        return []
    records = records_of([member.name for member, _ in repeated])
    answers = []
    for member, user in repeated:
        try:
            answer = replay(records[member.name], user, member.claim)
        except ApiError as error:
            answer = Problem(error).response(member.request)
        answers.append((member, answer))
    return answers


def _dissolve(error: Exception, size: int) -> None:
    state = getattr(error.__cause__, "sqlstate", None) or ""
    if isinstance(error, IntegrityError):
        reason = "constraint"
    elif state == LOCK_NOT_AVAILABLE:
        reason = "lock"
    else:
        reason = "error"
    # The other reasons are part of normal operation.
    cause = error if reason == "error" else None
    logger.warning("dissolved a group of %d: %s", size, reason, exc_info=cause)
    is_harmless = not isinstance(error, Error) or state.startswith(HARMLESS_SQLSTATES)
    if not (is_harmless or connection.in_atomic_block):
        # The next request must not use a connection that may be broken.
        connection.close()
    with suppress(Exception):  # A request mustn't fail because of metrics.
        of_ledger(DISSOLVED, reason).inc()


def _measure(members: Sequence[Member]) -> None:
    with suppress(Exception):
        now = time.monotonic()
        of_ledger(SIZES).observe(len(members))
        waited = of_ledger(WAITED)
        for member in members:
            waited.observe(now - member.queued_at)
