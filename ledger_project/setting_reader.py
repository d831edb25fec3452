"""Declare settings, each with its name, default, help and checks, and read their values."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeVar

from environs import EnvValidationError, FileAwareEnv, ValidationError

from ledger_project.setting_validators import printable

PREFIX = "LEDGER_"
# Variables that begin like settings: those of tests, of clients in the same environment, and of
# Kubernetes, which tells every container about a service named "ledger".
OTHERS = re.compile(
    r"LEDGER_(TEST_\w+|CHROMIUM|URL|TOKEN|CLIENT_(ID|SECRET)|SERVICE_\w+|PORT(_\w+)?)"
)
# The name in a line of an env file.
LINE = re.compile(r"^\s*(?:export\s+)?(\w+)\s*=", re.MULTILINE)

Value = TypeVar("Value")
# Raises ValidationError for an invalid value. Its return value is ignored.
Check = Callable[[Value], object]


class Setting(NamedTuple):
    """
    The declaration of a setting, for `.env.example` and docs/operations.md.

    ``default`` has the format of ``.env``. ``help`` is Markdown, with links relative to
    docs/operations.md.
    """

    name: str
    default: str
    is_required: bool
    help: str


class SettingReader:
    """
    Declare settings and read them from ``LEDGER_*`` variables or an env file.

    Variables take precedence over the env file. A variable whose name ends with ``_FILE`` is the
    path of a file with the value, such as a secret of a container, and takes precedence over both.
    An invalid value ends the process with one line that names the setting.
    """

    def __init__(self, env_file: Path) -> None:
        self.declared: list[Setting] = []
        self._env_file = env_file
        # Without the line break at the end of a file.
        self._env = FileAwareEnv(prefix=PREFIX, strip_whitespace=True)
        self._env.read_env(env_file, recurse=False)

    def text(
        self,
        name: str,
        default: str | None = None,
        *,
        help: str,
        checks: Sequence[Check[str]] = (),
        fallback: str | None = None,
    ) -> str:
        """
        Declare and read a text. It is required if it has no default.

        :param fallback: used without checks if a required setting isn't set
        """
        self._declare(name, default, help)
        value = self._env.str(name, default)
        if value is None:
            return fallback or self._refuse(name, "is required; see .env.example")
        return self._checked(name, value, checks)

    def flag(self, name: str, default: bool, *, help: str) -> bool:
        """Declare and read a setting that is true or false."""
        self._declare(name, str(default).lower(), help)
        try:
            return self._env.bool(name, default)
        except EnvValidationError:
            self._refuse(name, "must be true or false")

    def number(
        self, name: str, default: int, *, help: str, checks: Sequence[Check[int]] = ()
    ) -> int:
        """Declare and read a setting that is an integer."""
        self._declare(name, str(default), help)
        return self._checked(name, self._integer(name, default), checks)

    def optional_number(
        self, name: str, *, help: str, checks: Sequence[Check[int]] = ()
    ) -> int | None:
        """Declare and read a setting that is an integer, or None if it isn't set or is empty."""
        self._declare(name, "", help)
        if not self._env.str(name, ""):
            return None
        return self._checked(name, self._integer(name), checks)

    def items(
        self, name: str, default: list[str], *, help: str, checks: Sequence[Check[list[str]]] = ()
    ) -> list[str]:
        """Declare and read a list of items that are separated by commas."""
        self._declare(name, ",".join(default), help)
        value: list[str] = self._env.list(name, default, subcast=str.strip)
        return self._checked(name, value, checks)

    def mistaken(self) -> Iterator[str]:
        """Yield a sentence for each variable, or line of the env file, that names no setting."""
        known = [setting.name.removeprefix(PREFIX) for setting in self.declared]
        in_file = ""
        with suppress(OSError):
            in_file = self._env_file.read_text(errors="replace")
        for variable in sorted({*os.environ, *LINE.findall(in_file)}):
            name = variable.removeprefix(PREFIX).removesuffix("_FILE")
            if variable.startswith(PREFIX) and name not in known and not OTHERS.fullmatch(variable):
                similar = get_close_matches(name, known, n=1)
                asked = f" Did you mean {PREFIX}{similar[0]}?" if similar else ""
                yield f"There is no setting {variable}.{asked}"

    def _integer(self, name: str, *default: int) -> int:
        try:
            value: int = self._env.int(name, *default)
        except EnvValidationError:
            self._refuse(name, "must be an integer")
        return value

    def _declare(self, name: str, default: str | None, help: str) -> None:
        self.declared.append(Setting(PREFIX + name, default or "", default is None, help))
        try:
            value = self._env.str(name, "")
        except (OSError, ValueError):
            self._refuse(f"{name}_FILE", "must be the path of a file that can be read")
        self._checked(name, value, [printable])

    def _checked(self, name: str, value: Value, checks: Sequence[Check[Value]]) -> Value:
        try:
            for check in checks:
                check(value)
        except ValidationError as error:
            self._refuse(name, "; ".join(map(str, error.messages)))
        return value

    def _refuse(self, name: str, problem: str) -> NoReturn:
        sys.exit(f"Mini Ledger can't start: {PREFIX}{name} {problem}")
