"""The login throttle. It counts in the database, so that all workers share the counts."""

import hashlib
import unicodedata
from datetime import datetime, timedelta
from typing import Any, Self

import structlog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.db import Error, connection, transaction
from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ledger_project.addresses import network_of
from ledger_project.models import KnownNetwork, LoginAttempt
from transfers import clock

# How long a network stays known to a name after its last login from there, and how many networks
# are kept for a name.
KNOWN_FOR = timedelta(days=30)
MOST_KNOWN = 100

# Successful logins may be this many times as frequent as failed ones. Many clients may start at
# once, but there must be a limit, because a password check is slow.
SUCCESSES = 10

# The wait for attempts that are still being checked: about the duration of a password check.
UNDECIDED_WAIT = timedelta(seconds=1)

logger = structlog.get_logger("ledger.login")


class LoginThrottle(BaseThrottle):
    """
    Count a login attempt, and pass it to the view as ``view.login_try``.

    DRF's throttles read and then write a cache, so concurrent attempts can exceed the limit. Here
    each attempt is a row, and attempts of the same network or name wait for each other.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        data = request.data if isinstance(request.data, dict) else {}
        self._try = LoginTry(request.META.get("REMOTE_ADDR"), data.get("username"))
        view.login_try = self._try
        return self._try.wait is None

    def wait(self) -> float | None:
        """Return the seconds until the next attempt is allowed, or None if it is allowed now."""
        return self._try.wait


class LoginTry:
    """
    A login attempt on the API or the admin, counted before the password is checked.

    ``wait`` is the number of seconds to wait, or None if the attempt may proceed. Check the
    password in a ``with`` block on the attempt, and set ``user`` if it is right. Otherwise the
    attempt counts as failed when the block ends. Times come from the database's clock, so that
    servers with different clocks agree.

    :param address: REMOTE_ADDR, which may be malformed, or empty for a Unix socket
    :param name: the user name as typed; if it isn't a string, only the network is counted
    """

    wait: float | None = None
    user: AbstractBaseUser | None = None

    def __init__(self, address: str | None, name: object) -> None:
        limit, window = parse_rate(settings.LOGIN_RATE)
        self._client, self._typed = address or None, name
        self._network = _hash(f"network:{network_of(address)}")
        self._name = _hash(f"name:{_plain(name)}") if isinstance(name, str) else None
        subjects = [self._network]
        if self._name and not _is_known(str(name).strip(), self._network):
            subjects.append(self._name)
        with transaction.atomic():
            _queue(subjects)
            now = clock.now()
            LoginAttempt.objects.filter(subject__in=subjects, at__lte=now - window).delete()
            _sweep(LoginAttempt.objects.filter(at__lte=now - window))
            waits = [_wait(subject, limit, window, now) for subject in subjects]
            if any(waits):
                # A refused attempt isn't counted, so that waiting is always enough.
                self.wait = max(1.0, *(wait.total_seconds() for wait in waits))
                self._warn("refused a login after too many failed ones")
                return
            rows = [LoginAttempt(subject=subject, at=now) for subject in subjects]
            self._rows = [row.pk for row in LoginAttempt.objects.bulk_create(rows)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        # After a database error the result is unknown, so the attempt stays undecided and counts.
        if kind is not None and issubclass(kind, Error):
            return
        LoginAttempt.objects.filter(pk__in=self._rows).update(failed=self.user is None)
        if self.user is None:
            self._warn("a login failed")
        else:
            _remember(self.user.get_username(), self._network)

    def _warn(self, event: str) -> None:
        # Without a name that no user has, because it may be a password in the wrong field.
        name = self._typed.strip() if isinstance(self._typed, str) else None
        # The database can't look up a name with a NUL character or half a surrogate pair.
        is_valid = name is not None and name.isprintable()
        is_user = is_valid and User.objects.filter(username=name).exists()
        logger.warning(event, client=self._client, name=name if is_user else None)


def parse_rate(rate: str) -> tuple[int, timedelta]:
    """Return the number and the window of a rate such as ``10/minute``."""
    number, unit = rate.split("/")
    return int(number), timedelta(**{f"{unit}s": 1})


def _wait(subject: str, limit: int, window: timedelta, now: datetime) -> timedelta:
    """Return how long the next attempt of a subject has to wait; zero if it needn't."""
    tries = LoginAttempt.objects.filter(subject=subject)
    failed = tries.filter(failed=True)
    if failed.count() >= limit:
        return _nth_newest(failed, limit).at + window - now
    if tries.count() >= limit * SUCCESSES:
        return _nth_newest(tries, limit * SUCCESSES).at + window - now
    # Attempts that are still being checked count as failed, because all of them may fail.
    if tries.filter(Q(failed=True) | Q(failed=None)).count() >= limit:
        return UNDECIDED_WAIT
    return timedelta()


def _nth_newest(tries: QuerySet[LoginAttempt], number: int) -> LoginAttempt:
    return tries.order_by("-pk")[number - 1]


def _is_known(username: str, network: str) -> bool:
    known = KnownNetwork.objects.filter(name=_hash(f"user:{username}"), network=network)
    return known.filter(last_login_at__gt=clock.now() - KNOWN_FOR).exists()


def _remember(username: str, network: str) -> None:
    # The exact name, unlike for failures: `alice` and `ALICE` may be two users, and a login as one
    # mustn't make the network known to the other.
    name = _hash(f"user:{username}")
    now = clock.now()
    KnownNetwork.objects.bulk_create(
        [KnownNetwork(name=name, network=network, last_login_at=now)],
        update_conflicts=True,
        unique_fields=["name", "network"],
        update_fields=["last_login_at"],
    )
    _sweep(KnownNetwork.objects.filter(last_login_at__lte=now - KNOWN_FOR))
    newest = KnownNetwork.objects.filter(name=name).order_by("-last_login_at", "-pk")
    KnownNetwork.objects.filter(
        pk__in=list(newest.values_list("pk", flat=True)[MOST_KNOWN:])
    ).delete()


def _sweep(old: QuerySet) -> None:
    # Delete a few expired rows of any subject, except those that another transaction has locked.
    with transaction.atomic(savepoint=False):
        few = old.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)
        old.model.objects.filter(pk__in=list(few[:10])).delete()


def _plain(name: str) -> str:
    # Count all spellings of a name together. The token route strips names, and the admin's form
    # normalizes them too.
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _hash(subject: str) -> str:
    return hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()


def _queue(subjects: list[str]) -> None:
    # Count the attempts of a subject one after another. SQLite serializes transactions anyway.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for number in sorted(int(subject[:15], 16) for subject in subjects):
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
