"""Look for the news of one of several ledgers."""

from typing import Any

from api.waiting import News, Poll, PollOfLedger
from ledger_project.ledgers.pool import using
from ledger_project.ledgers.registry import registry


def in_its_ledger(poll: Poll) -> PollOfLedger:
    """Return a function that calls ``poll`` on the database of a ledger, or the only one."""

    def poll_ledger(host: str | None, since: Any) -> News:
        if host is None:
            return poll(since)
        ledger = registry().all().get(host)
        if ledger is None:
            # It was removed. Everybody who waits asks again, and is refused.
            return since, lambda subject: True
        with using(ledger):
            return poll(since)

    return poll_ledger
