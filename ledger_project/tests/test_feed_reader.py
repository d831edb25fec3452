"""The reader of docs/events.md, which is killed and started again."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from api.scopes import Scope
from ledger_project.server.tests.sockets import wait_until
from ledger_project.service_keys import services
from ledger_project.tests.live import HOST, live_server
from ledger_project.tests.pages import text
from transfers.services import deposit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


def python_in(page: str) -> str:
    """Return the only block of a page in Python."""
    [code] = re.findall(r"^```python\n(.*?)^```$", text(page), re.DOTALL | re.MULTILINE)
    return code


@pytest.fixture
def program(tmp_path) -> Path:
    """The class of one page, followed by the code of the other."""
    classes, _, _ = python_in("docs/clients.md").partition("\nledger = ")
    program = tmp_path / "reader.py"
    program.write_text(f"{classes}\n{python_in('docs/events.md')}")
    return program


@contextmanager
def running(program: Path, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, program],
        cwd=program.parent,
        env={"PATH": os.defpath, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def amounts_in(store: Path) -> list[int]:
    try:
        with closing(sqlite3.connect(store)) as connection:
            return [amount for (amount,) in connection.execute("SELECT amount FROM payments")]
    except sqlite3.OperationalError:
        return []  # Not created yet.


def test_a_reader_that_is_killed_handles_each_event_once(program, alice, staff, funded_account):
    account = funded_account(alice)
    key, secret = services.create(owner=alice, name="reader", scopes=[Scope.EVENTS_READ])
    store = program.with_name("reader.db")
    with live_server("--workers", "1") as server:
        environment = {
            "LEDGER_URL": f"http://{HOST}:{server.port}",
            "LEDGER_CLIENT_ID": str(key.pk),
            "LEDGER_CLIENT_SECRET": secret,
        }
        for number in range(0, 6, 2):
            deposit(account_id=account.pk, amount=number + 1, actor=staff)
            with running(program, environment):
                wait_until(lambda last=number: len(amounts_in(store)) == last + 1)
                # It waits for this one.
                deposit(account_id=account.pk, amount=number + 2, actor=staff)
                wait_until(lambda last=number: len(amounts_in(store)) == last + 2)

    assert sorted(amounts_in(store)) == [1, 2, 3, 4, 5, 6]
