"""How a view asks the server to hold its request until there is news."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# In the WSGI environment: takes a ``Wait``. Other servers than ours don't have it.
HOLD = "ledger.hold"


@dataclass(frozen=True, slots=True)
class Wait:
    """
    A request to run the view again when there is news, or else to send its response later.

    :param since: the point in the log up to which the view has looked, which can be compared
    :param subject: what the news must concern
    :param seconds: how long to wait at most
    """

    since: Any
    subject: Any
    seconds: float


# Takes the point in the log up to which it has looked before. Returns the point up to which it has
# looked now, and whether what happened in between concerns a subject. Uses the database.
Poll = Callable[[Any], tuple[Any, Callable[[Any], bool]]]
