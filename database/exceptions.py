"""What the shell raises."""

from django.db import OperationalError


class UnusableDatabase(OperationalError):
    """
    The database answers, and the service must not use it as it is.

    Its text is one line that says why. It shows neither the database's address nor a password.
    """
