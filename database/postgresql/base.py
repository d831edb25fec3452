"""A database backend is a package with a module of this name (Django: ``DATABASES["ENGINE"]``)."""

import select
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg.adapt import Buffer, Loader

from database.exceptions import UnusableDatabase
from database.postgresql import watchdog

# What the code relies on, whatever the server, the database, the role or the environment says.
#
# By SET and not by startup options, which PgBouncer doesn't pass on. In its transaction mode the
# first one lasts, because PgBouncer keeps it for each client; the isolation is in every BEGIN as
# well; and `/readyz` says if commits don't wait for the disk.
SETTINGS = """
    SELECT set_config('DateStyle', 'ISO, MDY', false),
        set_config('default_transaction_isolation', 'read committed', false),
        -- Without it the NULL in an array is the text NULL.
        set_config('array_nulls', 'on', false),
        -- With it a guard's definition reads otherwise than when it was sealed.
        set_config('quote_all_identifiers', 'off', false),
        -- Every other value keeps an acknowledged commit on the disk. It is the operator's, who may
        -- change it for sessions that are open.
        CASE current_setting('synchronous_commit')
            WHEN 'off' THEN set_config('synchronous_commit', 'on', false)
        END,
        current_setting('session_replication_role')
"""


class InstantLoader(Loader):
    """
    Read a ``timestamptz``, thirty times as fast as Django does.

    Django's takes it apart with a regular expression, which was a tenth of a statement page. Both
    databases are asked for years of four digits only, and a CHECK lets no other in.
    """

    timezone = UTC  # Django looks here whether it is the loader of the connection's zone.

    def load(self, data: Buffer) -> datetime:
        return datetime.fromisoformat(bytes(data).decode())


class DatabaseWrapper(base.DatabaseWrapper):
    """
    Django's own, with another ``CONN_HEALTH_CHECKS`` and a bound on what the application waits for.

    Each connection is given the settings that the code relies on. What can't be set is checked: see
    ``_prepare``.

    ``OPTIONS["client_timeout"]``: the seconds after which a connection is given up that gives no
    answer. Without it there is no bound.
    """

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        self._client_timeout: float | None = params.pop("client_timeout", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.adapters.register_loader("timestamptz", InstantLoader)
        if self._client_timeout is not None:
            watchdog.guard(connection, self._client_timeout)
        try:
            self._prepare(connection)
        except BaseException:
            # Django would hand it on as it is.
            connection.close()
            raise
        return connection

    def _prepare(self, connection: Connection) -> None:
        """
        Set what the code relies on.

        :raises UnusableDatabase: if the database can't hold every text, is too old, or has its
            triggers switched off
        """
        # The server has said these two by itself.
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise UnusableDatabase(f"The database's encoding is {encoding}; it must be UTF8.")
        [oldest, *_] = self.features.minimum_database_version or (0,)
        if connection.info.server_version < oldest * 10_000:
            version = connection.info.parameter_status("server_version")
            raise UnusableDatabase(
                f"The database is PostgreSQL {version}; it must be {oldest} or newer."
            )
        connection.autocommit = True
        *_, triggers = connection.execute(SETTINGS, prepare=False).fetchone() or [None]
        if triggers != "origin":
            raise UnusableDatabase(
                f"The database sets session_replication_role to {triggers}, which switches off its"
                " guards and foreign keys. Set it to origin."
            )

    def is_usable(self) -> bool:
        """
        Return whether the connection can take another request.

        Django runs ``SELECT 1``, a round trip more for each request: a third of what a read takes.
        A server that closes a connection says so, and what it says can be read from the socket; one
        that is content is silent between two statements. (A host that vanished is found by neither
        way, but by the watchdog.)
        """
        if self.connection is None or self.connection.closed:
            return False
        socket = select.poll()
        socket.register(self.connection.fileno(), select.POLLIN)
        return not socket.poll(0)

    def why_no_writes(self) -> str | None:
        """Return why nothing can be written now, in a sentence; None if it can."""
        with self.cursor() as cursor:
            cursor.execute(
                "SELECT pg_is_in_recovery(), current_setting('transaction_read_only'),"
                " current_setting('synchronous_commit')"
            )
            standby, read_only, synchronous_commit = cursor.fetchone()
        if standby:
            return "The database is a standby, which takes no writes. See /readyz?for=reads."
        if read_only == "on":
            return "The database takes no writes: default_transaction_read_only is on."
        if synchronous_commit == "off":
            # Only behind PgBouncer, or by the options of the URL.
            return "The database loses commits in a crash: synchronous_commit is off."
        return None
