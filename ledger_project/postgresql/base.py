"""A database backend is a package with a module of this name (Django: ``DATABASES["ENGINE"]``)."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with another ``CONN_HEALTH_CHECKS``."""

    def is_usable(self) -> bool:
        """
        Return whether the connection can take another request.

        Django runs ``SELECT 1``, a round trip more for each request: a third of what a read takes.
        A server that closes a connection says so, and what it says can be read from the socket; one
        that is content is silent between two statements. (A host that vanished is found by neither
        way, but by the time limits of TCP.)
        """
        if self.connection is None or self.connection.closed:
            return False
        socket = select.poll()
        socket.register(self.connection.fileno(), select.POLLIN)
        return not socket.poll(0)
