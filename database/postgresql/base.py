"""The backend. Django requires a module of this name for ``DATABASES["ENGINE"]``."""

import select
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import OperationalError
from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg.adapt import Buffer, Loader
from psycopg.errors import Diagnostic, FeatureNotSupported, SerializationFailure
from psycopg.pq import TransactionStatus

from database.exceptions import UnusableDatabase
from database.postgresql import attempts, pooler, watchdog

# The session settings that the code relies on, whatever the server, the database, the role or the
# environment sets.
#
# They aren't startup options, because `synchronous_commit=on` would override an operator's
# `remote_apply`. A pooler such as PgBouncer passes on neither: see `pooler`.
SETTINGS = """
    SELECT set_config('DateStyle', 'ISO, MDY', false),
        set_config('default_transaction_isolation', 'read committed', false),
        -- If it is off, a NULL in an array is read as the text NULL.
        set_config('array_nulls', 'on', false),
        -- If it is on, the definition of a guard differs from the recorded one.
        set_config('quote_all_identifiers', 'off', false),
        -- Only 'off' loses acknowledged commits in a crash. Other values are the operator's choice,
        -- who may change them while sessions are open.
        CASE current_setting('synchronous_commit')
            WHEN 'off' THEN set_config('synchronous_commit', 'on', false)
        END,
        -- With 'error' there is no warning about a commit that isn't on the standby.
        CASE current_setting('client_min_messages')
            WHEN 'error' THEN set_config('client_min_messages', 'warning', false)
        END,
        pg_backend_pid(),
        current_setting('session_replication_role'),
        pg_catalog.current_schemas(true)
"""

# Whether the database can be written to. A commit of this role that has waited for a synchronous
# standby for 5 seconds will hardly be confirmed within the 12 seconds that a request may wait.
STATE = """
    SELECT pg_is_in_recovery(), current_setting('transaction_read_only'),
        current_setting('synchronous_commit'),
        EXISTS (
            SELECT FROM pg_stat_activity WHERE usename = current_user AND wait_event = 'SyncRep'
                AND query_start < clock_timestamp() - interval '5 seconds'
        )
"""


class InstantLoader(Loader):
    """
    Read a ``timestamptz`` thirty times as fast as psycopg's loader.

    That one uses a regular expression, which took a tenth of the time of a statement page. This one
    can only read years of four digits; CHECK constraints refuse all others.
    """

    timezone = UTC  # Django compares it with the connection's time zone.

    def load(self, data: Buffer) -> datetime:
        return datetime.fromisoformat(bytes(data).decode())


class Cursor(base.ServerBindingCursor, psycopg.Cursor[Any]):
    """
    Django's cursor, which survives a change of the tables while the service runs.

    PostgreSQL refuses a prepared statement whose result has another type since, as after
    ``ALTER TABLE … ALTER COLUMN … TYPE``: "cached plan must not change result type".
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        try:
            return super().execute(query, params, **options)
        except FeatureNotSupported as error:
            # The message is translated, and the SQLSTATE is used for many other errors.
            if error.diag.source_function != "RevalidateCachedQuery":
                raise
            if self.connection.info.transaction_status == TransactionStatus.INERROR:
                # The caller can run the transaction again: a ROLLBACK drops all prepared
                # statements.
                raise SerializationFailure("a prepared statement is outdated") from error
        # The statement has done nothing. psycopg notices that it has to prepare all of them again.
        self.connection.execute("DEALLOCATE ALL", prepare=False)
        return super().execute(query, params, **options)


class DatabaseWrapper(base.DatabaseWrapper):
    """
    Django's backend, with a cheaper health check of connections and a timeout on the client side.

    Each new connection gets the session settings that the code relies on, and is checked for what
    can't be set: see ``_prepare``. A commit that no synchronous standby has confirmed is an error.

    ``OPTIONS["client_timeout"]``: the seconds after which a connection without a response is
    closed. Without it there is no timeout.
    """

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        self._client_timeout: float | None = params.pop("client_timeout", None)
        if params["cursor_factory"] is base.ServerBindingCursor:
            params["cursor_factory"] = Cursor
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connect = super().get_new_connection
        # A command, which has no timeout, reports a failure by itself.
        is_command = self._client_timeout is None
        connection = connect(conn_params) if is_command else attempts.logged(conn_params, connect)
        connection.adapters.register_loader("timestamptz", InstantLoader)
        connection.add_notice_handler(self._on_notice)
        if self._client_timeout is not None:
            watchdog.guard(connection, self._client_timeout)
        try:
            self._prepare(connection, conn_params.get("options", ""))
        except BaseException:
            # Otherwise Django would use the connection.
            connection.close()
            raise
        return connection

    def _prepare(self, connection: Connection, options: str) -> None:
        """
        Set the session settings, and check what can't be set.

        :param options: the startup options with which the connection was opened
        :raises UnusableDatabase: if the database's encoding isn't UTF-8, if the server is too old,
            if triggers are disabled, if PostgreSQL's own functions could be replaced, or if a
            pooler needs other defaults of the role
        """
        # The server reports both when a connection starts, so that no query is needed.
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
        row = connection.execute(SETTINGS, prepare=False).fetchone()
        *_, pid, triggers, schemas = row or (None, None, [])
        if triggers != "origin":
            raise UnusableDatabase(
                f"The database sets session_replication_role to {triggers}, which disables its"
                " guards and foreign keys. Set it to origin."
            )
        # Functions are never looked up in the schema of a session's temporary tables.
        for_functions = [each for each in schemas if not each.startswith("pg_temp")]
        if for_functions[:1] != ["pg_catalog"]:
            raise UnusableDatabase(
                f"The database's search_path has {for_functions[0]} before pg_catalog, so its"
                " functions could replace PostgreSQL's own. Remove pg_catalog from search_path."
            )
        if pooler.is_between(connection, pid):
            pooler.require_defaults(connection, options)
            if connection.prepare_threshold is not None and not pooler.keeps_prepared_statements(
                connection
            ):
                connection.prepare_threshold = None

    def _start_transaction_under_autocommit(self) -> None:
        """
        Begin a transaction at once, and not only with its first statement.

        The number of round trips is the same. ``atomic()`` calls this method if it exists.
        """
        try:
            self.set_autocommit(False)
            with self.wrap_database_errors:
                self.connection.wait(self.connection._start_query())
        except BaseException:
            # The transaction may have begun, and nobody would end it.
            self.close()
            raise

    def commit(self) -> None:
        """
        Commit, and wait for the synchronous standbys if there are any.

        If somebody cancels that wait, PostgreSQL reports a success with a warning. The transaction
        is then committed on this server, but a failover to the standby may lose it.

        :raises OperationalError: if the wait was canceled
        """
        self._wait_was_canceled = False
        super().commit()
        if self._wait_was_canceled:
            raise OperationalError("The commit wasn't confirmed by a synchronous standby.")

    def _on_notice(self, notice: Diagnostic) -> None:
        # The message is translated, and has no SQLSTATE of its own.
        if notice.source_function == "SyncRepWaitForLSN":
            self._wait_was_canceled = True

    def is_usable(self) -> bool:
        """
        Return whether the connection can take another request.

        Django runs ``SELECT 1``, whose round trip takes a third of the time of a read. This method
        checks instead whether the socket has something to read: a server sends nothing between two
        statements unless it closes the connection. (Neither way detects that the server's host has
        vanished. The watchdog does.)
        """
        if self.connection is None or self.connection.closed:
            return False
        socket = select.poll()
        socket.register(self.connection.fileno(), select.POLLIN)
        return not socket.poll(0)

    def why_no_writes(self) -> str | None:
        """Return a sentence that says why the database can't be written to, or None if it can."""
        with self.cursor() as cursor:
            cursor.execute(STATE)
            standby, read_only, synchronous_commit, waits = cursor.fetchone()
        if standby:
            return "The database is a standby and can't be written to. See /readyz?for=reads."
        if read_only == "on":
            return "The database can't be written to: default_transaction_read_only is on."
        if synchronous_commit == "off":
            # This is only possible behind PgBouncer, or with options in the URL.
            return "The database would lose commits in a crash: synchronous_commit is off."
        if waits:
            return "The database's synchronous standby doesn't confirm commits."
        return None
