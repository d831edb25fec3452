"""
Kill a live service at random while 16 clients use it, and check the result of every operation.

A client that gets no response sends the request again with the same key until it is decided. In the
end, exactly the acknowledged transfers must exist. A reader who followed the feed of events must
have seen each of them once, and a webhook must have received each of them at least once.

A seed repeats the operations and the order of the kills, but not their timing. Killing a process
doesn't lose what it wrote to the page cache, so this tests atomicity and recovery, but not that
`fsync` makes data durable.
"""

import json
import math
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field

from ledger_project.tests.kill_players import Operation, Player, Tokens
from ledger_project.tests.kill_reader import Reader
from ledger_project.tests.kill_victims import RECOVERY_SECONDS, Service
from ledger_project.tests.kill_webhook import Webhook

CLIENTS, ACCOUNTS, STAKE = 16, 10, 1_000_000

# In one statement, and therefore one snapshot: the balances of customers, the balance of the
# EXTERNAL accounts, and the number of overdrawn accounts.
TOTALS = """
    SELECT sum(balance),
        (SELECT sum(CASE type WHEN 'DEBIT' THEN amount ELSE -amount END)
         FROM transfers_ledgerentry WHERE sequence IS NULL),
        sum(CASE WHEN balance < held - overdraft_limit THEN 1 ELSE 0 END)
    FROM accounts_account WHERE kind = 'CUSTOMER'
"""
TRANSFERS = "SELECT id, kind, amount FROM transfers_transfer"


@dataclass
class Report:
    """The kills, some statistics, and the violations."""

    kills: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    # The longest time until the service answered again, in seconds, for each kind of kill.
    slowest_recovery: dict[str, float] = field(default_factory=dict)
    resolved_after: float = 0.0
    violations: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        kills = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        figures = ", ".join(f"{count:,} {name}" for name, count in self.figures.items())
        slowest = ", ".join(f"{took:.1f} s {kind}" for kind, took in self.slowest_recovery.items())
        lines = [
            f"{self.kills.total()} kills: {kills}",
            figures,
            f"slowest recoveries: {slowest}",
            f"all resolved {self.resolved_after:.1f} s after the last kill",
            f"{self.violations.total()} violations",
            *(f"  {count} times: {what}" for what, count in self.violations.items()),
        ]
        return "\n".join(lines)


class KillRun:
    """A run of at least ``seconds`` and at least ``kills``."""

    def __init__(self, service: Service, *, seconds: float, kills: int, seed: int) -> None:
        self.service, self.seconds, self.wanted = service, seconds, kills
        self.seed, self.dice = seed, random.Random(seed)
        self.report = Report()
        self.stopping, self.finished = threading.Event(), threading.Event()
        self.struck, self.deadline = 0.0, math.inf
        self.tokens = Tokens(service.server.port)
        self.accounts: list[str] = []
        self.players = [Player(self, f"{seed}-{number}") for number in range(CLIENTS)]
        self.reader, self.webhook = Reader(self), Webhook(self, seed)
        self.strikes = {**service.strikes, "deliverer": self.webhook.strike}
        self._lock = threading.Lock()

    def violation(self, what: str) -> None:
        with self._lock:
            self.report.violations[what] += 1

    def __call__(self, progress: Callable[[float, int], None] = lambda *_: None) -> Report:
        """Run to the end and return the report."""
        with closing(self.webhook):
            self._run(progress)
        return self.report

    def _run(self, progress: Callable[[float, int], None]) -> None:
        self._register_webhook()
        self._open_accounts()
        with ThreadPoolExecutor(CLIENTS + 2) as threads:
            watching, reading = threads.submit(self._watch), threads.submit(self.reader.follow)
            playing = [threads.submit(player.play) for player in self.players]
            try:
                self._kill_often(progress)
            finally:
                self.deadline = self.struck + RECOVERY_SECONDS
                self.stopping.set()
                while wait(playing, timeout=0.1).not_done:
                    self._revive()
                self.report.resolved_after = time.monotonic() - self.struck
                self.finished.set()
            for future in (*playing, watching, reading):
                future.result()
        self._settle()

    # Nothing is killed yet, so the next two must succeed.

    def _register_webhook(self) -> None:
        self.deadline = time.monotonic() + RECOVERY_SECONDS
        registered = self.players[0].resolve(self.webhook.registration())
        assert registered is not None
        self.webhook.start(registered.json()["secret"])

    def _open_accounts(self) -> None:
        self.deadline = time.monotonic() + RECOVERY_SECONDS
        teller = self.players[0]
        for number in range(ACCOUNTS):
            body = {"owner_name": f"account {number}"}
            opened = teller.do(Operation("/accounts", "account", 0, body))
            assert opened is not None
            self.accounts.append(opened["id"])
            path = f"/accounts/{opened['id']}/deposit"
            teller.do(Operation(path, "DEPOSIT", STAKE, {"amount": STAKE}))
        self.deadline = math.inf

    def _kill_often(self, progress: Callable[[float, int], None]) -> None:
        begun, kinds = time.monotonic(), self._kinds()
        while True:
            time.sleep(self.dice.uniform(0.2, 1.0))
            kind = next(kinds)
            self._revive()
            self.service.prepare()
            self.struck = time.monotonic()
            self.strikes[kind]()
            self.report.kills[kind] += 1
            elapsed = time.monotonic() - begun
            progress(elapsed, self.report.kills.total())
            if elapsed >= self.seconds and self.report.kills.total() >= self.wanted:
                return  # Right after a kill, while requests are still in progress.
            self._await_answers(kind)

    def _kinds(self) -> Iterator[str]:
        """Yield the kinds of kills in random order, all equally often."""
        while True:
            yield from self.dice.sample(sorted(self.strikes), len(self.strikes))

    def _await_answers(self, kind: str) -> None:
        def answered() -> int:
            return sum(player.figures["acknowledged"] for player in self.players)

        before = answered()
        while answered() < before + CLIENTS:
            self._revive()
            if time.monotonic() > self.struck + RECOVERY_SECONDS:
                self.violation(f"no recovery in {RECOVERY_SECONDS} s from the kill of a {kind}")
                return
            time.sleep(0.02)
        slowest, took = self.report.slowest_recovery, time.monotonic() - self.struck
        slowest[kind] = max(took, slowest.get(kind, 0))

    def _revive(self) -> None:
        self.report.figures["servers that gave up"] += self.service.revive()
        self.report.figures["deliverers that gave up"] += self.webhook.revive()

    def _watch(self) -> None:
        """Check the totals in one snapshot after another."""
        while not self.finished.wait(0.1):
            for customers, outside, overdrawn in self.service.query(TOTALS):
                self.report.figures["snapshots"] += 1
                if customers != outside or overdrawn:
                    self.violation("a snapshot where money was made, lost or overdrawn")

    def _settle(self) -> None:
        """Compare the acknowledged transfers with those in the database."""
        acknowledged: dict[str, tuple[str, int]] = {}
        for player in self.players:
            acknowledged |= player.acknowledged
            self.report.figures += player.figures
        promised = sum(len(player.acknowledged) for player in self.players)
        # No rows means that the database is still recovering, because there were deposits.
        while not (rows := self.service.query(TRANSFERS)) and time.monotonic() < self.deadline:
            time.sleep(0.1)
        there = {str(uuid.UUID(str(known))): (kind, amount) for known, kind, amount in rows}
        self.report.figures["transfers"] = len(there)
        seen = self.reader.seen
        self.report.figures["events read"] = seen.total()
        self.webhook.settle(there.keys())
        self.report.figures += self.webhook.figures()
        self.report.violations += self.webhook.violations(there.keys())
        self.report.violations += Counter(
            {
                "an acknowledged transfer was lost": len(acknowledged.keys() - there.keys()),
                "a transfer was applied twice": len(there.keys() - acknowledged.keys()),
                "a response named another's transfer": promised - len(acknowledged),
                "the reader of the feed missed a transfer": len(there.keys() - seen.keys()),
                "the reader of the feed saw what doesn't exist": len(seen.keys() - there.keys()),
                "the reader of the feed saw a transfer twice": seen.total() - len(seen),
                "a transfer is not what was asked for": sum(
                    there[known] != asked for known, asked in acknowledged.items() if known in there
                ),
            }
        )
        audit = self.service.manage("verify_ledger", "--json")
        if audit.returncode:
            failed = [each for each in json.loads(audit.stdout)["checks"] if not each["ok"]]
            self.violation(f"the audit found {failed}")
