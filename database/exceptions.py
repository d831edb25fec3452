"""The error of a database that the service must not use."""

from django.db import OperationalError


class UnusableDatabase(OperationalError):
    """
    The database responds, but the service must not use it in its present state.

    The message is one line that says why. It contains neither the database's address nor a
    password.
    """
