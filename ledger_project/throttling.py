"""How often one may try to log in, counted in the database so that all workers share the count."""

import hashlib
import unicodedata
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ledger_project.models import LoginAttempt


class LoginThrottle(BaseThrottle):
    """
    Allow ``LEDGER_LOGIN_RATE`` tries from one address, and as many for one name.

    DRF's own throttles read and then write a cache, so that concurrent tries slip through; here
    each try is a row, and the tries of one subject queue for a lock.
    """

    def allow_request(self, request: Request, view: object) -> bool:
        data = request.data if isinstance(request.data, dict) else {}
        self._wait = count_try(request.META.get("REMOTE_ADDR"), data.get("username"))
        return self._wait is None

    def wait(self) -> float | None:
        """Return the seconds until the next try is allowed."""
        return self._wait


def count_try(address: str | None, name: object) -> float | None:
    """
    Count a try to log in, on whichever face of the service. Return None if it may go on, otherwise
    the seconds to wait.

    :param name: as it was typed; what is no string is counted for the address alone
    """
    limit, window = parse_rate(settings.LOGIN_RATE)
    subjects = [_hash(f"address:{address}")]
    if isinstance(name, str):
        subjects.append(_hash(f"name:{_plain(name)}"))
    with transaction.atomic():
        _queue(subjects)
        now = timezone.now()
        LoginAttempt.objects.filter(subject__in=subjects, at__lte=now - window).delete()
        _sweep(now - window)
        over = [subject for subject in subjects if _attempts(subject).count() >= limit]
        if not over:
            LoginAttempt.objects.bulk_create(
                [LoginAttempt(subject=subject, at=now) for subject in subjects]
            )
            return None
        # A refused try doesn't count: waiting is enough to be let in again.
        wait = max(_frees_at(subject, limit, window) for subject in over) - now
    return max(1.0, wait.total_seconds())


def _sweep(until: datetime) -> None:
    # Names that nobody tries again would stay for ever. A few at a time, and no rival's.
    oldest = LoginAttempt.objects.filter(at__lte=until).order_by("pk")
    few = oldest.select_for_update(skip_locked=True).values_list("pk", flat=True)[:10]
    LoginAttempt.objects.filter(pk__in=list(few)).delete()


def parse_rate(rate: str) -> tuple[int, timedelta]:
    """Return the number and the window of a rate such as ``10/minute``."""
    number, unit = rate.split("/")
    return int(number), timedelta(**{f"{unit}s": 1})


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


def _attempts(subject: str):
    return LoginAttempt.objects.filter(subject=subject)


def _frees_at(subject: str, limit: int, window: timedelta) -> datetime:
    return window + _attempts(subject).order_by("-pk")[limit - 1].at
