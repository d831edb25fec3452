"""
Parse ``LEDGER_DATABASE_URL`` into Django's settings for the database.

libpq itself parses a PostgreSQL URL, so the URL means the same as in psql, including several hosts,
percent-encoding and all options of libpq.
"""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from environs import ValidationError
from psycopg import IsolationLevel, ProgrammingError
from psycopg.conninfo import conninfo_to_dict

# For short-lived processes, such as a check, that need no data.
IN_MEMORY = "sqlite://:memory:"

# The last one is SQLAlchemy's, which names the driver. All of them mean psycopg.
POSTGRESQL_SCHEMES = ("postgresql://", "postgres://", "postgresql+psycopg://")

# Our backend for it, as ``DATABASES["ENGINE"]``.
POSTGRESQL = "database.postgresql"

# The timeouts of web requests and of `deliver_webhooks` in milliseconds, from the innermost to the
# outermost. Other commands have none.
REQUEST_TIMEOUTS = {
    "lock_timeout": 3000,
    "statement_timeout": 8000,
    "idle_in_transaction_session_timeout": 10000,
}
# After this many seconds without a response from the server, they abandon their connection. The
# application enforces this itself, in case the server hangs (see database/postgresql/watchdog.py).
CLIENT_TIMEOUT = 12

# Options after the `?` that this service defines, and that libpq doesn't know.
OWN_OPTIONS = ("server_side_binding", "prepare_threshold", "client_timeout")
SWITCH = {"1": True, "true": True, "0": False, "false": False}
# The smallest value of each numeric option. To libpq, a connect_timeout of 0 means "wait forever".
SMALLEST = {"connect_timeout": 1, "prepare_threshold": 0, "client_timeout": 1}
# libpq would refuse other values too, but only when it connects.
CHOICES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": (
        *("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    ),
}

# Connection errors of libpq and of the server that no retry can fix. They have no codes, so they
# are recognized by their text.
PERMANENT_ERRORS = re.compile(
    r"""
    definition\ of\ service | service\ file | certificate\ file | private\ key\ file
    | invalid\ (?:integer\ )?value | invalid\ \S+\ value | invalid\ command-line\ argument
    | unrecognized\ configuration\ parameter | FATAL:\s+(?:database|role)\ .*\ does\ not\ exist
    | does\ not\ support\ SSL,\ but
    """,
    re.VERBOSE,
)


def why_never_connected(error: str) -> str | None:
    """
    Return why connecting to PostgreSQL will always fail, or None if a retry may succeed.

    :param error: the text of psycopg's error
    """
    if "Multiple connection attempts failed" in error or not PERMANENT_ERRORS.search(error):
        return None
    # The reason follows the address of the server.
    reason = re.split(r" failed: |connection is bad: ", error)[-1].splitlines()[0]
    return reason.removeprefix("FATAL:").strip()


def database_of(url: str, folder: Path, *, is_command: bool) -> dict[str, Any]:
    """
    Return the entry of ``DATABASES`` for a URL.

    :param folder: the folder to which the path of a SQLite file is relative
    :param is_command: whether the entry is for a command of ``manage.py`` that has no timeouts
    :raises ValidationError: if the URL is invalid. The message is one line that continues a
        sentence beginning with the name of the setting, and it doesn't contain the password.
    """
    if url.startswith("sqlite:"):
        return _sqlite(url, folder)
    for scheme in POSTGRESQL_SCHEMES:
        if url.startswith(scheme):
            return _postgresql(url.removeprefix(scheme), is_command)
    schemes = ", ".join(("sqlite://", *POSTGRESQL_SCHEMES))
    raise ValidationError(f"must begin with one of {schemes}")


def _sqlite(url: str, folder: Path) -> dict[str, Any]:
    if "?" in url:
        raise ValidationError("has a `?`, but a SQLite URL takes no options")
    name = ":memory:"
    if url != IN_MEMORY:
        path = unquote(url.removeprefix("sqlite:///"))
        if not path or path == url:
            raise ValidationError("must name a file, as in sqlite:///mini_ledger.db")
        if path == ":memory:":
            raise ValidationError(f"has a slash too many for a database in memory: {IN_MEMORY}")
        name = str(folder / path)
        if not Path(name).parent.is_dir():
            raise ValidationError(f"names the file {name}, whose folder doesn't exist")
    return {
        "ENGINE": "database.sqlite",
        "NAME": name,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        # IMMEDIATE acquires the write lock first: upgrading a read lock failed for 84-96 % of
        # concurrent transfers. With FULL, each acknowledged commit survives a power failure if the
        # disk flushes when it says so.
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            # Without recursive triggers, REPLACE would delete rows without firing the guards.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;"
            ),
        },
    }


def _postgresql(rest: str, is_command: bool) -> dict[str, Any]:
    # Like libpq, take a question mark before the @ as part of the password.
    user, at, after = rest.partition("@") if "@" in rest.partition("/")[0] else ("", "", rest)
    place, _, query = after.partition("?")
    if "@" in place.partition("/")[0]:
        raise ValidationError("contains two @; write an @ in the password as %40")
    own, libpq_options = {}, []
    for option in filter(None, query.split("&")):
        name, _, value = option.partition("=")
        if name in OWN_OPTIONS:
            own[name] = unquote(value)
        else:
            # In `options` a plus is a space, as in `?options=-c+work_mem=8MB`. libpq itself never
            # decodes a plus.
            spaced = value.replace("+", "%20") if name == "options" else value
            libpq_options.append(f"{name}={spaced.replace('=', '%3D')}")
    parameters = _parsed(f"postgresql://{user}{at}{place}?{'&'.join(libpq_options)}")
    address = {name: parameters.pop(name, "") for name in ("user", "password", "host", "port")}
    name = parameters.pop("dbname", "")
    if not name:
        raise ValidationError("must name a database, as in postgresql://host:5432/database")
    _check_ports(address["host"], address["port"])
    # The last `-c` of a name wins, so the URL can override our timeouts. If the URL has no
    # options, PGOPTIONS applies, as in libpq.
    options = parameters.pop("options", os.environ.get("PGOPTIONS", ""))
    return {
        "ENGINE": POSTGRESQL,
        "NAME": name,
        **{key.upper(): value for key, value in address.items()},
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 3,
            # Plan a statement once for each connection instead of once for each request. This takes
            # server-side binding, which the URL can switch off.
            "prepare_threshold": 2,
            "server_side_binding": True,
            # Set in each BEGIN, whatever the default of the server, database or role is.
            "isolation_level": IsolationLevel.READ_COMMITTED,
            **({} if is_command else {"client_timeout": CLIENT_TIMEOUT}),
            **{key: _value(key, value) for key, value in {**parameters, **own}.items()},
            "options": f"{_startup_options(is_command)} {options}".rstrip(),
        },
    }


def _parsed(url: str) -> dict[str, str]:
    try:
        found = conninfo_to_dict(url)
    except ProgrammingError as error:
        # libpq's error quotes the part it can't parse. Remove the quote, because it may contain the
        # password, unless it is the name of an option.
        problem = re.sub(r"\s+", " ", str(error)).strip()
        if not re.search('query parameter: "[a-z_]*"$', problem):
            problem = problem.partition(': "')[0]
        raise ValidationError(f"isn't a valid PostgreSQL URL: {problem}") from None
    return {key: str(value) for key, value in found.items()}


def _check_ports(hosts: str, ports: str) -> None:
    each = ports.split(",")
    if not all(port == "" or (port.isdecimal() and 0 < int(port) < 65536) for port in each):
        raise ValidationError("has an invalid port; a port is a number from 1 to 65535")
    if len(each) not in (1, len(hosts.split(","))):
        raise ValidationError("must have either one port for all hosts or one port for each host")


def _value(option: str, value: str) -> Any:
    if option == "server_side_binding":
        if value.lower() not in SWITCH:
            raise ValidationError(f"must set {option} to true or false")
        return SWITCH[value.lower()]
    if option in SMALLEST:
        if not (value.isdecimal() and int(value) >= SMALLEST[option]):
            raise ValidationError(
                f"must set {option} to a whole number of at least {SMALLEST[option]}"
            )
        return int(value)
    if option in CHOICES and value not in CHOICES[option]:
        raise ValidationError(f"must set {option} to one of {', '.join(CHOICES[option])}")
    return value


def _startup_options(is_command: bool) -> str:
    if is_command:
        # Remove timeouts that the role or the database sets.
        return " ".join(f"-c {name}=0" for name in REQUEST_TIMEOUTS)
    bounds = " ".join(f"-c {name}={bound}" for name, bound in REQUEST_TIMEOUTS.items())
    # The planner overestimates the cost of our list queries. Compiling them would take far longer
    # than running them.
    return f"{bounds} -c jit=off"
