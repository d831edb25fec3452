"""The reader of a kill run, which follows the feed of events from its cursor through every kill."""

import http.client
import threading
import time
from collections import Counter
from typing import Protocol
from urllib.parse import urlencode

from ledger_project.tests.kill_players import ANSWER_SECONDS, Tokens
from ledger_project.tests.kill_victims import Service
from ledger_project.tests.live import LiveClient


class Run(Protocol):
    """The attributes of a run that its reader uses."""

    service: Service
    tokens: Tokens
    finished: threading.Event
    deadline: float

    def violation(self, what: str) -> None: ...


class Reader:
    """A reader that keeps its cursor, and counts the events of each transfer."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.client = LiveClient(run.service.server.port)
        self.client.connection.timeout = ANSWER_SECONDS
        self.query = {"limit": "100", "wait": "1"}
        # How often each transfer was seen.
        self.seen: Counter[str] = Counter()

    def follow(self) -> None:
        """Read until the run is finished, and then to the end of the log."""
        with self.client:
            while True:
                is_last = self.run.finished.is_set()
                found = self._read()
                if is_last and found == 0:
                    return
                if found is None:
                    if time.monotonic() > self.run.deadline:
                        self.run.violation("the feed couldn't be read to its end")
                        return
                    time.sleep(0.05)

    def _read(self) -> int | None:
        """Return the number of events on the next page, or None if there was no response."""
        try:
            self.client.headers["Authorization"] = self.run.tokens.current()
            response = self.client.get(f"/events?{urlencode(self.query)}")
        except (OSError, http.client.HTTPException):
            return None
        if response.status != 200:
            if response.status != 503:
                self.run.violation(f"unexpected status for the feed: {response.status}")
            return None
        page = response.json()
        self.query["after"] = page["next_cursor"]
        # A capture has a second event.
        told = [item for item in page["items"] if not item["type"].startswith("account.")]
        self.seen.update(each["data"]["id"] for each in told if each["type"] != "hold.captured")
        return len(page["items"])
