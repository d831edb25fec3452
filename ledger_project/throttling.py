"""How often a login may fail, counted in the database so that all workers share the count."""

import hashlib
import unicodedata
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_network
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import Error, connection, transaction
from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ledger_project.addresses import parse
from ledger_project.models import KnownNetwork, LoginAttempt
from transfers import clock

# How long a network stays known to a name after its last login from there, and how many do.
KNOWN_FOR = timedelta(days=30)
MOST_KNOWN = 100

# How many times the rate may succeed: for a fleet that starts, and not for ever, because each
# password takes a fraction of a second to check.
SUCCESSES = 10

# How long a login stays undecided: about as long as its password check.
UNDECIDED_WAIT = timedelta(seconds=1)


class LoginThrottle(BaseThrottle):
    """
    Count a login by name and password, and leave it to the view as ``view.login_try``.

    DRF's own throttles read and then write a cache, so that concurrent tries slip through; here
    each try is a row, and the tries of one subject queue for a lock.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        data = request.data if isinstance(request.data, dict) else {}
        self._try = LoginTry(request.META.get("REMOTE_ADDR"), data.get("username"))
        view.login_try = self._try
        return self._try.wait is None

    def wait(self) -> float | None:
        """Return the seconds until the next try is allowed."""
        return self._try.wait


class LoginTry:
    """
    A try to log in, on whichever face of the service, counted before the password is checked.

    ``wait`` is None if it may go on, otherwise the seconds to wait. The password is checked inside
    ``with``, and the try has failed at its end unless ``user`` was set there to who logged in.
    Times are read from the database's clock, so that servers whose clocks differ share one count.

    :param address: REMOTE_ADDR, which may be odd, or empty on a Unix socket
    :param name: as it was typed; what is no string is counted for the network alone
    """

    wait: float | None = None
    user: AbstractBaseUser | None = None

    def __init__(self, address: str | None, name: object) -> None:
        limit, window = parse_rate(settings.LOGIN_RATE)
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
                # A refused try doesn't count: waiting is enough to be let in again.
                self.wait = max(1.0, *(wait.total_seconds() for wait in waits))
                return
            rows = [LoginAttempt(subject=subject, at=now) for subject in subjects]
            self._rows = [row.pk for row in LoginAttempt.objects.bulk_create(rows)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        # A database that failed says nothing of the password: the try stays undecided, and counts.
        if kind is not None and issubclass(kind, Error):
            return
        LoginAttempt.objects.filter(pk__in=self._rows).update(failed=self.user is None)
        if self.user is not None:
            _remember(self.user.get_username(), self._network)


def network_of(address: str | None) -> str:
    """
    Return what tries are counted for: an IPv4 address, or the /64 of an IPv6 address.

    Whoever has one IPv6 address has the 2^64 of its network. A mapped IPv4 address is that IPv4
    address. What is no address, such as a Unix socket's, is one subject for all.
    """
    ip = parse((address or "").strip())
    if isinstance(ip, IPv6Address):
        return str(ip_network((ip, 64), strict=False))
    return "none" if ip is None else str(ip)


def parse_rate(rate: str) -> tuple[int, timedelta]:
    """Return the number and the window of a rate such as ``10/minute``."""
    number, unit = rate.split("/")
    return int(number), timedelta(**{f"{unit}s": 1})


def _wait(subject: str, limit: int, window: timedelta, now: datetime) -> timedelta:
    """Return how long the next try of a subject has to wait; zero if it need not."""
    tries = LoginAttempt.objects.filter(subject=subject)
    failed = tries.filter(failed=True)
    if failed.count() >= limit:
        return _nth_newest(failed, limit).at + window - now
    if tries.count() >= limit * SUCCESSES:
        return _nth_newest(tries, limit * SUCCESSES).at + window - now
    # Those whose password is being checked may all be wrong: together they can't be too many.
    if tries.filter(Q(failed=True) | Q(failed=None)).count() >= limit:
        return UNDECIDED_WAIT
    return timedelta()


def _nth_newest(tries: QuerySet[LoginAttempt], number: int) -> LoginAttempt:
    return tries.order_by("-pk")[number - 1]


def _is_known(username: str, network: str) -> bool:
    known = KnownNetwork.objects.filter(name=_hash(f"user:{username}"), network=network)
    return known.filter(last_login_at__gt=clock.now() - KNOWN_FOR).exists()


def _remember(username: str, network: str) -> None:
    # The exact name, unlike that of a failure: `alice` and `ALICE` may be two users, and a login of
    # one must not let her network guess at the other.
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
    # What nobody tries again would stay for ever. A few at a time, and no rival's.
    with transaction.atomic(savepoint=False):
        few = old.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)
        old.model.objects.filter(pk__in=list(few[:10])).delete()


def _plain(name: str) -> str:
    # The token route trims a name, and the admin's form normalizes it too: however one user's
    # name is spelt, its tries are one count.
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _hash(subject: str) -> str:
    return hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()


def _queue(subjects: list[str]) -> None:
    # Tries of one subject count one after another, in one order. SQLite's transactions do anyway.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for number in sorted(int(subject[:15], 16) for subject in subjects):
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
