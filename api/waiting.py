"""How a view asks the server to hold its request until there is news."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

# In the WSGI environment: a ``Hold``. Other servers than ours don't have it.
HOLD = "ledger.hold"


@dataclass(frozen=True, slots=True)
class Wait:
    """
    A request to run the view again when there is news, or else to send its response later.

    :param since: the point in the log up to which the view has looked, which can be compared
    :param subject: what the news must concern
    :param seconds: how long to wait at most
    :param ledger: whose log it is, or None if there is only one ledger
    """

    since: Any
    subject: Any
    seconds: float
    ledger: str | None = None


# Takes the point in the log up to which it has looked before. Returns the point up to which it has
# looked now, and whether what happened in between concerns a subject. Uses the database.
News = tuple[Any, Callable[[Any], bool]]
Poll = Callable[[Any], News]
# The same for the log of one of several ledgers.
PollOfLedger = Callable[[str | None, Any], News]


class Hold:
    """
    Whether a request is held after its view has run.

    ``wait`` is set by the view. The server then keeps the response, and sends it only if there is
    no news: otherwise the view runs again.
    """

    def __init__(self) -> None:
        self.wait: Wait | None = None
        self._when_sent: list[Callable[[], None]] = []

    def when_sent(self, call: Callable[[], None]) -> None:
        """Call a function when the response is sent, if it is: at once if it isn't kept."""
        if self.wait is None:
            call()
        else:
            self._when_sent.append(call)

    def send(self) -> None:
        """Make the calls that belong to the response, which was kept and is sent now."""
        for call in self._when_sent:
            call()


def when_sent(request: HttpRequest, call: Callable[[], None]) -> None:
    """
    Call a function once for a request, however often its view runs.

    Call this after the view. The function may run in another thread.
    """
    hold: Hold | None = request.META.get(HOLD)
    if hold is None:
        call()
    else:
        hold.when_sent(call)
