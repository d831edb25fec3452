"""manage.py with several ledgers: --ledger HOST and --all-ledgers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management.base import CommandError

from ledger_project.ledgers.commands import parse
from ledger_project.ledgers.tests.conftest import A, B

pytestmark = pytest.mark.django_db

QUESTION = (
    "Which ledger? Add --ledger HOST, or --all-ledgers to run the command for each of them. "
    f"LEDGER_LEDGERS has {A}, {B}.\n"
)


def manage(file: Path, *command: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ledger_project.settings",
            "LEDGER_LEDGERS": str(file),
            "LEDGER_SECRET_KEY": settings.SECRET_KEY,
            "LEDGER_JWT_SIGNING_KEY": settings.JWT_SIGNING_KEY,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", ["migrate", "verify_ledger", "flushexpiredtokens"])
def test_a_command_that_needs_a_ledger_asks_which(file, command):
    assert manage(file, command) == (2, "", QUESTION)


def test_a_command_works_on_the_ledger_that_is_named(file, urls):
    name = f"user-{os.getpid()}"
    done = manage(file, "seed_demo", "--users-only", name, "--ledger", "B.EXAMPLE")
    assert done[0] == 0, done

    found = [
        manage(file, "shell", f"--ledger={host}", "-v", "0", "--command", COUNT.format(name))
        for host in (A, B)
    ]
    assert found == [(0, "0\n", ""), (0, "1\n", "")]


COUNT = (
    "from django.contrib.auth.models import User;print(User.objects.filter(username='{}').count())"
)


def test_a_command_for_all_ledgers_runs_for_each_and_fails_if_one_fails(file, urls):
    done = manage(file, "migrate", "--all-ledgers", "--verbosity", "0")
    assert done == (0, "", f"{A}:\n{B}:\n")

    broken = urls[A].replace("ledger-a", "ledger-gone")
    file.write_text(f'"{A}" = "{broken}"\n"{B}" = "{urls[B]}"\n')
    status, _printed, errors = manage(file, "expire_holds", "--all-ledgers")
    assert status == 2
    assert errors.startswith(f"{A}:\nThe database can't be used: ")
    assert f"\n{B}:\n" in errors


def test_an_unknown_ledger_is_refused(file):
    assert manage(file, "migrate", "--ledger", "c.example") == (
        1,
        "",
        f"CommandError: There is no ledger 'c.example'. LEDGER_LEDGERS has {A}, {B}.\n",
    )


@pytest.mark.one_database
def test_a_command_without_a_database_needs_no_ledger(file):
    assert manage(file, "check")[0] == 0
    assert manage(file, "makemigrations", "--check", "--dry-run")[0] == 0


@pytest.mark.one_database
def test_a_standby_of_one_ledger_cannot_answer_for_all(file, machine):
    with pytest.raises(SystemExit) as refused:
        machine.settings(
            "LEDGERS",
            LEDGER_LEDGERS=str(file),
            LEDGER_DATABASE_URL="postgresql://db/ledger",
            LEDGER_READ_DATABASE_URL="postgresql://standby/ledger",
        )

    assert refused.value.code == (
        "Mini Ledger can't start: LEDGER_READ_DATABASE_URL must not be set together with"
        " LEDGER_LEDGERS"
    )


@pytest.mark.one_database
def test_the_options_are_taken_out_of_the_arguments(settings):
    settings.LEDGERS = "ledgers.toml"

    assert parse(["manage.py", "migrate", "app"]) == (["manage.py", "migrate", "app"], None, False)
    assert parse(["manage.py", "--ledger", A, "migrate", "--plan"]) == (
        ["manage.py", "migrate", "--plan"],
        A,
        False,
    )
    assert parse(["manage.py", "x", "--all-ledgers"]) == (["manage.py", "x"], None, True)


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--ledger", A, "--ledger", B], "Use --ledger once, or --all-ledgers."),
        (["--ledger", A, "--all-ledgers"], "Use --ledger once, or --all-ledgers."),
        (["--ledger"], "Use --ledger HOST, with the host of a ledger."),
    ],
)
def test_contradictory_options_are_refused(settings, arguments, problem):
    settings.LEDGERS = "ledgers.toml"

    with pytest.raises(CommandError, match=f"^{problem}$"):
        parse(arguments)


@pytest.mark.one_database
def test_without_several_ledgers_the_options_are_refused():
    with pytest.raises(CommandError, match="needs LEDGER_LEDGERS, which isn't set"):
        parse(["manage.py", "migrate", "--ledger", A])
