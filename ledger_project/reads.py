"""
Send reads to a standby, if it has everything that was committed before they began.

A request is authenticated on the primary, which also tells where its WAL ends. The view then runs
on the standby once it has replayed up to there. So nobody reads less than was acknowledged to
anybody before, whichever worker or machine acknowledged it, and a client needn't send anything. If
the standby is behind or fails, the view runs on the primary as it would without a standby.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import Error, connection, connections
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.exceptions import HistoryMayGrow
from api.errors import ApiError
from api.exceptions import ConflictInDatabase, ReadOnlyDatabase, TemporarilyUnavailable
from api.problems import is_unavailable
from database.postgresql.replay import READS, has_replayed, identity_of
from database.switching import switched_to

# For how many seconds a read waits for the standby to replay what was committed before.
PATIENCE = 0.05
# For how many seconds nobody tries the standby after a read has waited in vain, or after an error.
BEHIND_SECONDS = 0.5
FAILED_SECONDS = 5.0
# If it doesn't answer within this, others don't ask it until it does.
SILENT_SECONDS = 0.5

# What the standby responds if the primary may know better.
UNANSWERED = {TemporarilyUnavailable, ReadOnlyDatabase, ConflictInDatabase, HistoryMayGrow}

ANSWERED = Counter(
    "ledger_reads",
    "Reads that a standby may answer, by the database that has answered and the reason: the "
    "standby was current, was behind, was unavailable, or has failed to answer.",
    ["database", "reason"],
)

logger = logging.getLogger("ledger.reads")


class ReadsMiddleware:
    """Run the ``standby_actions`` of views on the standby, if it is current."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if not _may_be_sent(request, view):
            return None
        position = _position(request, view)
        if position is None:
            return None
        reason = standby.why_not(position)
        if reason is None:
            response = _read(partial(view, request, *args, **kwargs))
            if response is not None:
                _count("standby", "current")
                return response
            reason = "failed"
        _count("primary", reason)
        return None


def _may_be_sent(request: HttpRequest, view: Any) -> bool:
    if request.method not in ("GET", "HEAD"):
        return False
    action = getattr(view, "actions", {}).get("get")
    return action in getattr(getattr(view, "cls", None), "standby_actions", ())


def _position(request: HttpRequest, view: Any) -> str | None:
    """Return the primary's position when it looked up the caller, or None without a caller."""
    try:
        outcome = view.cls.authentication_classes[0]().authenticate(Request(request))
    except (APIException, ApiError, Error):
        return None  # The view raises it again, or tries again.
    return None if outcome is None else getattr(outcome[0], "position", None)


def _read(run_view: Callable[[], HttpResponse]) -> HttpResponse | None:
    """Return the standby's response, or None if it doesn't have one."""
    reads = connections[READS]
    # The same list, so that traces contain the statements.
    reads.execute_wrappers = connection.execute_wrappers
    try:
        with switched_to(reads):
            response = run_view()
            if isinstance(response, Response):
                response.render()
    except Exception as error:
        if not is_unavailable(error):
            raise
        logger.warning("the standby has failed: %r", error)
        return None
    return None if type(getattr(response, "error", None)) in UNANSWERED else response


class Standby:
    """What this process knows of the standby. Threads share it."""

    def __init__(self) -> None:
        self._identity: list[str] | None = None
        # Until when not to try it (monotonic seconds), and why.
        self._avoided = (0.0, "")
        # Since when each thread is waiting for its answer.
        self._asked: dict[int, float] = {}

    def why_not(self, position: str) -> str | None:
        """Return why a read can't be sent to the standby, or None if it can."""
        now = time.monotonic()
        until, reason = self._avoided
        if now < until:
            return reason
        if self._is_silent(now) or (reason == "unavailable" and self._asked):
            # After an error one thread tries it, because it may have to wait for a connection.
            return "unavailable"
        thread = threading.get_ident()
        self._asked[thread] = now
        try:
            identity = self._identity_of_primary()
            if has_replayed(connections[READS], position, identity, PATIENCE):
                self._avoided = (0.0, "")
                return None
            return self._avoid(BEHIND_SECONDS, "behind")
        except Error as error:
            with suppress(Error):
                connections[READS].close()
            # The database may have been replaced by another one.
            self._identity = None
            logger.warning("can't read from the standby: %s", error)
            return self._avoid(FAILED_SECONDS, "unavailable")
        finally:
            del self._asked[thread]

    def _is_silent(self, now: float) -> bool:
        longest = SILENT_SECONDS + PATIENCE
        return any(now - since > longest for since in [*self._asked.values()])

    def _identity_of_primary(self) -> list[str]:
        if self._identity is None:
            self._identity = identity_of(connection)
        return self._identity

    def _avoid(self, seconds: float, reason: str) -> str:
        self._avoided = (time.monotonic() + seconds, reason)
        return reason


standby = Standby()


def _count(database: str, reason: str) -> None:
    with suppress(Exception):  # A request mustn't fail because of metrics.
        ANSWERED.labels(database, reason).inc()
