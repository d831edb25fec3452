"""Sessions of the admin, in the database. They go on while it can only be read."""

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSession

from database.exceptions import is_read_only


class SessionStore(DatabaseSession):
    """Django's own sessions, which staff can also use on a standby once they have logged in."""

    def save(self, must_create: bool = False) -> None:
        """
        Save the session.

        Every request saves it, to postpone its end. If nothing else has changed, and the database
        can only be read, the session just ends when it would have before.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            refusal = error.__context__
            if refusal is None or not is_read_only(refusal):
                raise
            if self.modified:
                raise refusal from None
