"""
What the ledger requires of a pooler between it and PostgreSQL, such as PgBouncer.

In PgBouncer's transaction mode, each transaction may run in another session of the server. Neither
the startup options of a connection nor the settings of its session reach all of these sessions. So
what the code relies on must be set on the role or the database, and this is checked.
"""

import re
from contextlib import suppress

from psycopg import Connection
from psycopg.errors import DuplicatePreparedStatement, InvalidSqlStatementName

from database.exceptions import UnusableDatabase

# What `base.SETTINGS` sets on a session, except DateStyle and TimeZone, which PgBouncer passes on,
# and the value that a new session must have by itself.
DEFAULTS = {
    "array_nulls": "on",
    "default_transaction_isolation": "read committed",
    "quote_all_identifiers": "off",
}
# How new sessions begin, whatever was set in this one in the meantime.
BEGINNING = "SELECT name, reset_val FROM pg_settings WHERE name = ANY(%s)"
TIMEOUT = re.compile(r"-c (\w+_timeout)=(\d+)")

# Whether statements have the names that psycopg gave them. A pooler that keeps statements for each
# client must give them other names, because each client has a first one.
HAS_OUR_NAMES = "SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE name ~ '^_pg3_')"


def is_between(connection: Connection, backend_pid: int | None) -> bool:
    """
    Return whether a pooler is between this connection and the server.

    A pooler gives each client an id of its own, with which the client could cancel a statement.

    :param backend_pid: the process id of a session of the server
    """
    return connection.info.backend_pid != backend_pid


def require_defaults(connection: Connection, options: str) -> None:
    """
    Check how sessions of the server begin.

    :param options: the startup options of this connection; the timeouts that they set are required
    :raises UnusableDatabase: if a session wouldn't have what the code relies on
    """
    timeouts = {name: f"{value}ms" for name, value in TIMEOUT.findall(options) if int(value)}
    names = [*DEFAULTS, *timeouts, "synchronous_commit", "client_min_messages"]
    cursor = connection.execute(BEGINNING, [names], prepare=False)
    begins: dict[str, str] = dict(cursor.fetchall())
    wanted = {name: value for name, value in DEFAULTS.items() if begins[name] != value}
    wanted |= {name: value for name, value in timeouts.items() if begins[name] == "0"}
    if begins["synchronous_commit"] == "off":
        wanted["synchronous_commit"] = "on"
    if begins["client_min_messages"] == "error":
        wanted["client_min_messages"] = "warning"
    if wanted:
        settings = " ".join(f"SET {name} = '{value}';" for name, value in wanted.items())
        raise UnusableDatabase(
            "Behind a pooler such as PgBouncer, the service can't set what it relies on."
            f" Set it on its role, with ALTER ROLE … {settings}"
        )


def keeps_prepared_statements(connection: Connection) -> bool:
    """
    Return whether a prepared statement still exists in the next transaction.

    PgBouncer does this from 1.21 on. From 1.22 on it also knows DEALLOCATE ALL, which psycopg uses.
    """
    # In one transaction, so that all runs in one session of the server.
    mistaken = suppress(InvalidSqlStatementName, DuplicatePreparedStatement)
    with mistaken, connection.transaction():
        connection.execute(HAS_OUR_NAMES, prepare=True)
        connection.execute("DEALLOCATE ALL", prepare=False)
        [is_ours] = connection.execute(HAS_OUR_NAMES, prepare=True).fetchone() or [True]
        if not is_ours:
            return True
        connection.execute("DEALLOCATE ALL", prepare=False)
    return False
