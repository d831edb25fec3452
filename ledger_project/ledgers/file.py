"""
Read the file of ``LEDGER_LEDGERS``: which ledgers there are, and where their databases are.

The file is TOML with one line for each ledger:

    "ledger.example" = "postgresql://user:password@host:5432/database"
"""

import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environs import ValidationError

from api.hosts import is_host_name, is_ipv6
from ledger_project.database_url import database_of


@dataclass(frozen=True)
class Ledger:
    """A ledger: the host of its URLs, and its database, as an entry of ``DATABASES``."""

    host: str
    url: str = field(repr=False)
    database: dict[str, Any] = field(compare=False, repr=False)

    @property
    def place(self) -> tuple[str, ...]:
        """
        Where the tables are. Two ledgers at one place would be the same ledger.

        A server that is written in two ways, such as by name and by address, isn't recognised.
        """
        name, host, port = (str(self.database.get(key, "")) for key in ("NAME", "HOST", "PORT"))
        if self.database["ENGINE"] == "database.sqlite":
            return (os.path.realpath(name),)
        # The options may name a schema.
        options = self.database["OPTIONS"].get("options", "")
        return (name, host.lower(), port or "5432", options)

    @property
    def dialect(self) -> tuple[str, bool]:
        """What the SQL that is composed once for all ledgers depends on."""
        return self.database["ENGINE"], self.database["OPTIONS"].get("server_side_binding", False)


def read(path: Path, folder: Path, *, is_command: bool) -> dict[str, Ledger]:
    """
    Return the ledgers of a file, by host in lower case.

    :param folder: the folder to which the path of a SQLite file is relative
    :param is_command: as for ``database_of``
    :raises ValidationError: if the file is missing or invalid. The message is one line that
        continues a sentence beginning with the name of the setting, and it has no password.
    """
    try:
        lines = tomllib.loads(path.read_text())
    except OSError as error:
        raise ValidationError(f"names {path}, which can't be read: {error.strerror}") from error
    except ValueError as error:
        raise ValidationError(f"names {path}, which isn't valid TOML: {error}") from error
    if not lines:
        raise ValidationError(f"names {path}, which has no ledger")
    found = [_ledger(path, *line, folder, is_command) for line in lines.items()]
    ledgers = {ledger.host: ledger for ledger in found}
    if len(ledgers) < len(found):
        raise ValidationError(f"names {path}, which has a host twice")
    _require_compatible(path, found)
    return ledgers


def _ledger(path: Path, name: str, url: object, folder: Path, is_command: bool) -> Ledger:
    host = name.lower()
    if isinstance(url, dict):
        raise ValidationError(f'names {path}, where {name} must be in quotes: "host" = "URL"')
    if not (is_host_name(host) or is_ipv6(host)):
        raise ValidationError(
            f"names {path}, which has {name!r}; write a host name without a port, such as "
            "ledger.example"
        )
    if not isinstance(url, str):
        raise ValidationError(f"names {path}, where {name} must have the URL of its database")
    try:
        return Ledger(host, url, database_of(url, folder, is_command=is_command))
    except ValidationError as error:
        problem = "; ".join(map(str, error.messages))
        raise ValidationError(f"names {path}, where the URL of {name} {problem}") from None


def _require_compatible(path: Path, ledgers: Iterable[Ledger]) -> None:
    places: dict[tuple[str, ...], str] = {}
    for ledger in ledgers:
        if (other := places.setdefault(ledger.place, ledger.host)) != ledger.host:
            raise ValidationError(
                f"names {path}, where {other} and {ledger.host} have the same database"
            )
    if len({ledger.dialect for ledger in ledgers}) > 1:
        raise ValidationError(
            f"names {path}, whose databases must all be SQLite, or all be PostgreSQL with the same "
            "server_side_binding"
        )
