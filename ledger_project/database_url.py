"""
What ``LEDGER_DATABASE_URL`` means: Django's entry for the database that it names.

A PostgreSQL URL is read by libpq itself, so that it means what it means to psql: several hosts,
percent-encoding and every option of libpq included.
"""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from environs import ValidationError
from psycopg import IsolationLevel, ProgrammingError
from psycopg.conninfo import conninfo_to_dict

# For what is gone with its process, such as a check.
IN_MEMORY = "sqlite://:memory:"

# SQLAlchemy's URLs name their driver. All spellings mean psycopg.
POSTGRESQL_SCHEMES = ("postgresql://", "postgres://", "postgresql+psycopg://")

# In milliseconds: a web request's bounds, each below the next one outward. A command has none.
REQUEST_TIMEOUTS = {
    "lock_timeout": 3000,
    "statement_timeout": 8000,
    "idle_in_transaction_session_timeout": 10000,
}
# In seconds: after this long without an answer a web request gives its connection up. It is the
# application's own bound, for a server that stands still (see postgresql/watchdog.py).
CLIENT_TIMEOUT = 12

# Options after the `?` that are this service's own and unknown to libpq.
OWN_OPTIONS = ("server_side_binding", "prepare_threshold", "client_timeout")
SWITCH = {"1": True, "true": True, "0": False, "false": False}
# The smallest value of each option that is a number. libpq takes 0 seconds for "wait for ever".
SMALLEST = {"connect_timeout": 1, "prepare_threshold": 0, "client_timeout": 1}
# libpq would refuse another value too, but only when it connects.
CHOICES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": (
        *("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    ),
}


# Errors of libpq, and of a server, that don't go away by waiting. An error of theirs has no code
# while a connection is being made.
NEVER = re.compile(
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
    Return why a connection to PostgreSQL that failed will always fail; None if it may not.

    :param error: the text of psycopg's error
    """
    if "Multiple connection attempts failed" in error or not NEVER.search(error):
        return None
    # After the address of the server.
    reason = re.split(r" failed: |connection is bad: ", error)[-1].splitlines()[0]
    return reason.removeprefix("FATAL:").strip()


def database_of(url: str, folder: Path, *, is_command: bool) -> dict[str, Any]:
    """
    Return the entry of ``DATABASES`` for a URL.

    :param folder: what the path of a SQLite file is relative to
    :param is_command: whether it is for ``manage.py``, which may take its time and may create a
        SQLite file
    :raises ValidationError: if the URL makes no sense. Its message continues a sentence that begins
        with the name of the setting, is one line, and doesn't show the password.
    """
    if url.startswith("sqlite:"):
        return _sqlite(url, folder, is_command)
    for scheme in POSTGRESQL_SCHEMES:
        if url.startswith(scheme):
            return _postgresql(url.removeprefix(scheme), is_command)
    schemes = ", ".join(("sqlite://", *POSTGRESQL_SCHEMES))
    raise ValidationError(f"must begin with one of {schemes}")


def _sqlite(url: str, folder: Path, is_command: bool) -> dict[str, Any]:
    if "?" in url:
        raise ValidationError("has a `?`, but SQLite takes no options")
    name = ":memory:"
    if url != IN_MEMORY:
        path = unquote(url.removeprefix("sqlite:///"))
        if not path or path == url:
            raise ValidationError("names no file; try sqlite:///mini_ledger.db")
        name = str(folder / path)
        if not Path(name).parent.is_dir():
            raise ValidationError(f"names {name}, whose folder doesn't exist")
    return {
        "ENGINE": "database.sqlite",
        "NAME": name,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        # IMMEDIATE takes the write lock first: to upgrade a read lock failed for 84-96 % of
        # concurrent transfers. FULL keeps every acknowledged commit through a power cut, if the
        # disk is honest.
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            # Without recursive triggers a REPLACE would delete history unseen.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;"
            ),
        },
    }


def _postgresql(rest: str, is_command: bool) -> dict[str, Any]:
    # As libpq does, which takes a question mark before the @ for one of the password.
    user, at, after = rest.partition("@") if "@" in rest.partition("/")[0] else ("", "", rest)
    place, _, query = after.partition("?")
    if "@" in place.partition("/")[0]:
        raise ValidationError("has two @; write the @ of a password as %40")
    own, of_libpq = {}, []
    for option in filter(None, query.split("&")):
        name, _, value = option.partition("=")
        if name in OWN_OPTIONS:
            own[name] = unquote(value)
        else:
            # As in a form: `?options=-c+work_mem=8MB`. Elsewhere a plus is a plus, as libpq has it.
            spaced = value.replace("+", "%20") if name == "options" else value
            of_libpq.append(f"{name}={spaced.replace('=', '%3D')}")
    parameters = _parsed(f"postgresql://{user}{at}{place}?{'&'.join(of_libpq)}")
    address = {name: parameters.pop(name, "") for name in ("user", "password", "host", "port")}
    name = parameters.pop("dbname", "")
    if not name:
        raise ValidationError("names no database; try postgresql://host:5432/database")
    _check_ports(address["host"], address["port"])
    # A later `-c` of the same name wins: the URL's own, or PGOPTIONS as libpq has it.
    options = parameters.pop("options", os.environ.get("PGOPTIONS", ""))
    return {
        "ENGINE": "database.postgresql",
        "NAME": name,
        **{key.upper(): value for key, value in address.items()},
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 3,
            # A statement is planned once for each connection, and not for each request; if the
            # server binds the parameters, which is so unless the URL says otherwise.
            "prepare_threshold": 2,
            "server_side_binding": True,
            # Said in each BEGIN, whatever the default of the server, the database or the role is.
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
        # libpq shows what it can't read, which may be the password, unless it is an option's name.
        problem = re.sub(r"\s+", " ", str(error)).strip()
        if not re.search('query parameter: "[a-z_]*"$', problem):
            problem = problem.partition(': "')[0]
        raise ValidationError(f"is refused by libpq: {problem}") from None
    return {key: str(value) for key, value in found.items()}


def _check_ports(hosts: str, ports: str) -> None:
    each = ports.split(",")
    if not all(port == "" or (port.isdecimal() and 0 < int(port) < 65536) for port in each):
        raise ValidationError("has a port that is not a number from 1 to 65535")
    if len(each) not in (1, len(hosts.split(","))):
        raise ValidationError("must have one port for all hosts, or one for each")


def _value(option: str, value: str) -> Any:
    if option == "server_side_binding":
        if value.lower() not in SWITCH:
            raise ValidationError(f"must set {option} to true or false")
        return SWITCH[value.lower()]
    if option in SMALLEST:
        if not (value.isdecimal() and int(value) >= SMALLEST[option]):
            raise ValidationError(
                f"must set {option} to a whole number, {SMALLEST[option]} or more"
            )
        return int(value)
    if option in CHOICES and value not in CHOICES[option]:
        raise ValidationError(f"must set {option} to one of {', '.join(CHOICES[option])}")
    return value


def _startup_options(is_command: bool) -> str:
    if is_command:
        # It lifts what the role or the database sets.
        return " ".join(f"-c {name}=0" for name in REQUEST_TIMEOUTS)
    bounds = " ".join(f"-c {name}={bound}" for name, bound in REQUEST_TIMEOUTS.items())
    # What lists are asked by looks expensive and is not: compiling it would take far longer.
    return f"{bounds} -c jit=off"
