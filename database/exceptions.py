"""Errors of a database that the service must not use, or can only read."""

from django.db import OperationalError

# PostgreSQL's SQLSTATE for a statement that needs to write, on a standby for example.
READ_ONLY = "25006"


class UnusableDatabase(OperationalError):
    """
    The database responds, but the service must not use it in its present state.

    The message is one line that says why. It contains neither the database's address nor a
    password.
    """


def is_read_only(error: BaseException) -> bool:
    """Return whether PostgreSQL refused a statement because it can only be read at the moment."""
    return getattr(error.__cause__, "sqlstate", None) == READ_ONLY
