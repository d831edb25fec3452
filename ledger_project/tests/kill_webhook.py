"""The webhook of a kill run: its receiver, and two processes that deliver to it and are killed."""

import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Set
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from ledger_project.tests.kill_players import Operation
from ledger_project.tests.kill_victims import RECOVERY_SECONDS, Mortal, Service
from ledger_project.tests.live import HOST

DELIVERERS = 2
# How often the receiver answers with an error, or not at all.
FAILING, SILENT = 0.03, 0.03
# In seconds, so that two attempts of one delivery would overlap.
LONGEST_ANSWER = 0.05

# As if the minute of a claim and the delays of retries were over.
HURRY = """
    UPDATE webhooks_delivery SET claimed_until = NULL, due_at = created_at
    WHERE status = 'PENDING' RETURNING id
"""


class Run(Protocol):
    """The attributes of a run that its webhook uses."""

    service: Service

    def violation(self, what: str) -> None: ...


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Say nothing: the sender has been killed."""


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, receiver: "Receiver", *arguments: Any) -> None:
        self._receiver = receiver
        super().__init__(*arguments)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        # The sender may have been killed before it had sent the whole message.
        status = self._receiver.receive(dict(self.headers), body) if len(body) == length else None
        if status is not None:
            self.send_response(status)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Receiver:
    """Receives messages, and counts those of each transfer."""

    def __init__(self, run: Run, seed: str) -> None:
        self.run, self.dice = run, random.Random(seed)
        self.secret = ""
        self.is_reliable = False
        # How often the message about each transfer has been accepted.
        self.seen: Counter[str] = Counter()
        self.figures: Counter[str] = Counter()
        self._in_progress: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = _Server((HOST, 0), partial(_Handler, self))
        self.url = f"http://{HOST}:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def receive(self, headers: Mapping[str, str], body: bytes) -> int | None:
        """Return the status of the response, or None to close the connection without one."""
        try:
            event = Verifier(self.secret).verify(body, dict(headers))
        except WebhookVerificationError:
            self.run.violation("a message had a wrong signature")
            return 401
        with self._lock:
            self._in_progress[event["id"]] += 1
            is_alone = self._in_progress[event["id"]] == 1
            status = self._status()
            pause = self.dice.uniform(0, LONGEST_ANSWER)
        if not is_alone:
            self.run.violation("a delivery was attempted twice at once")
        time.sleep(pause)
        with self._lock:
            self._in_progress[event["id"]] -= 1
            self.figures["messages received"] += 1
            # A capture has a second event.
            if status == 204 and not event["type"].startswith(("account.", "hold.captured")):
                self.seen[event["data"]["id"]] += 1
        return status

    def _status(self) -> int | None:
        if self.is_reliable:
            return 204
        return self.dice.choices([500, None, 204], [FAILING, SILENT, 1 - FAILING - SILENT])[0]


class Webhook:
    """The webhook, with its receiver and the processes that deliver to it."""

    def __init__(self, run: Run, seed: int) -> None:
        self.run, self.dice = run, random.Random(f"{seed}-webhook")
        self.receiver = Receiver(run, f"{seed}-receiver")
        self._processes: list[Mortal] = []

    def registration(self) -> Operation:
        """Return the request that registers the webhook."""
        return Operation("/webhooks", "webhook", 0, {"url": self.receiver.url})

    def start(self, secret: str) -> None:
        """Deliver from now on."""
        self.receiver.secret = secret
        self.receiver.start()
        self._processes = [self._started(number) for number in range(DELIVERERS)]

    def close(self) -> None:
        for process in self._processes:
            process.close()
        self.receiver.close()

    def strike(self) -> None:
        """Kill one process, and start another."""
        self._replace(self.dice.randrange(DELIVERERS))

    def revive(self) -> int:
        """Start processes again that have ended by themselves, and return their number."""
        ended = [n for n, each in enumerate(self._processes) if each.process.poll() is not None]
        for number in ended:
            self._replace(number)
        return len(ended)

    def settle(self, transfers: Set[str]) -> None:
        """Wait until all transfers have been delivered, or until nothing is delivered any more."""
        self.receiver.is_reliable = True
        self._stop()
        self.run.service.query(HURRY)
        for number in range(DELIVERERS):
            self._replace(number)
        received, since = -1, time.monotonic()
        while transfers - self.receiver.seen.keys():
            if received != self.receiver.figures["messages received"]:
                received, since = self.receiver.figures["messages received"], time.monotonic()
            elif time.monotonic() > since + RECOVERY_SECONDS:
                return
            time.sleep(0.05)

    def violations(self, transfers: Set[str]) -> Counter[str]:
        """Return what is wrong with the deliveries. Each transfer may have several."""
        seen = self.receiver.seen.keys()
        return Counter(
            {
                "a transfer wasn't delivered to the webhook": len(transfers - seen),
                "the webhook received what doesn't exist": len(seen - transfers),
            }
        )

    def figures(self) -> Counter[str]:
        again = self.receiver.seen.total() - len(self.receiver.seen)
        return self.receiver.figures + Counter({"received again": again})

    def _stop(self) -> None:
        """Let the processes end their attempts, so that none is in progress afterwards."""
        for each in self._processes:
            each.process.send_signal(signal.SIGTERM)
        for each in self._processes:
            each.process.wait(RECOVERY_SECONDS)

    def _replace(self, number: int) -> None:
        self._processes[number].close()
        self._processes[number] = self._started(number)

    def _started(self, number: int) -> Mortal:
        command = [sys.executable, "manage.py", "deliver_webhooks"]
        log = self.run.service.directory / f"deliverer-{number}.log"
        return Mortal(command, self.run.service.server.environment, log)
