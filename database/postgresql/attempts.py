"""
Log why a database can't be reached, and that it can be reached again.

Each process logs a reason once, however many requests fail for it.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from psycopg import OperationalError

logger = logging.getLogger("ledger.database")

Opened = TypeVar("Opened")

# By the place of a database: the reason that was logged last.
_logged: dict[tuple[Any, ...], str] = {}


def logged(parameters: dict[str, Any], connect: Callable[[dict[str, Any]], Opened]) -> Opened:
    """
    Return the new connection that ``connect`` opens with these parameters.

    :raises OperationalError: if it can't be opened
    """
    place = tuple(parameters.get(name) for name in ("host", "port", "dbname"))
    try:
        connection = connect(parameters)
    except OperationalError as error:
        # libpq names the host and the role, and never the password.
        reason = str(error).strip()
        if _logged.get(place) != reason:
            _logged[place] = reason
            logger.warning("can't connect to the database: %s", reason)
        raise
    if _logged.pop(place, None) is not None:
        logger.info("connected to the database again")
    return connection
