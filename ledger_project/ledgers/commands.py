"""
The ledger that a command of ``manage.py`` works on: ``--ledger HOST`` or ``--all-ledgers``.

Both are read before Django parses the arguments, so that every command has them.
"""

import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS

from database.switching import name_process
from ledger_project.ledgers.hosts import host_of
from ledger_project.ledgers.registry import registry

ONE, ALL = "--ledger", "--all-ledgers"


class Arguments(NamedTuple):
    """The arguments of a command, the ledger that it was started for, and whether it is for all."""

    others: list[str]
    host: str | None
    is_for_all: bool


def parse(arguments: Sequence[str]) -> Arguments:
    """
    Take the options about ledgers out of the arguments of ``manage.py``.

    :raises CommandError: if they contradict each other or lack a value
    """
    others: list[str] = []
    hosts: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name == ONE:
            hosts.append(value if equals else next(rest, ""))
            if not hosts[-1]:
                raise CommandError(f"Use {ONE} HOST, with the host of a ledger.")
        elif argument != ALL:
            others.append(argument)
    is_for_all = ALL in arguments
    if len(hosts) + is_for_all > 1:
        raise CommandError(f"Use {ONE} once, or {ALL}.")
    if (hosts or is_for_all) and not settings.LEDGERS:
        raise CommandError(f"{ONE if hosts else ALL} needs LEDGER_LEDGERS, which isn't set.")
    return Arguments(others, hosts[0] if hosts else None, is_for_all)


def choose(host: str) -> None:
    """
    Let this process work on a ledger. Call this before the first connection is made.

    :raises CommandError: if there is no such ledger
    """
    ledger = registry().all().get(host_of(host))
    if ledger is None:
        raise CommandError(f"There is no ledger {host!r}. {_listed()}")
    settings.DATABASES[DEFAULT_DB_ALIAS] = ledger.database
    name_process(ledger.host)


def run_for_all(program: str, arguments: Sequence[str]) -> int:
    """
    Run a command for each ledger, in processes of its own, one after another.

    :return: the exit status: 0 if all succeeded, otherwise that of the first that didn't
    """
    status = 0
    for host in registry().all():
        print(f"{host}:", file=sys.stderr, flush=True)
        command = [sys.executable, program, *arguments, ONE, host]
        ended = subprocess.run(command, check=False)
        status = status or ended.returncode
    return status


def is_undecided() -> bool:
    """Return whether there are several ledgers and this process works on none of them."""
    return bool(settings.LEDGERS) and "dummy" in settings.DATABASES[DEFAULT_DB_ALIAS]["ENGINE"]


def question() -> str:
    """Return what to tell the user of a command that needs a ledger and has none."""
    hint = f"Add {ONE} HOST, or {ALL} to run the command for each of them."
    return f"Which ledger? {hint} {_listed()}"


def _listed() -> str:
    return f"LEDGER_LEDGERS has {', '.join(registry().all())}."
