"""Storms of real HTTP handling, with real threads and real commits: money neither made nor lost."""

import random
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.models import Count, F, Q, Sum

from accounts.enums import AccountKind
from accounts.models import Account
from audit.ledger import check_ledger
from ledger_project.tests.live import PATIENCE, LiveClient, live_server
from transfers.models import Transfer

# Storms reach no line that a single request doesn't, and counting lines would slow them.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("patient_database"),
    pytest.mark.no_cover,
]

# Printed by pytest when a test fails, so that the same storm can be raised again.
SEED = random.SystemRandom().randrange(2**32)


def in_threads(count, work):
    """Run ``work(number)`` in so many threads at once; return what each returned."""

    def run(number):
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


def test_a_storm_of_duplicates_has_one_effect_for_each_key(
    api, alice, bob, client_for, funded_account
):
    keys = [str(uuid.uuid4()) for _ in range(100)]
    source, dest = funded_account(alice, balance=100_000), funded_account(bob)
    body = {"source_account_id": source.pk, "dest_account_id": dest.pk, "amount": 7}
    start = threading.Barrier(16)

    def send_all(number):
        client, answers = client_for(alice), []
        for key in keys:
            start.wait(timeout=300)
            answers.append(client.post("/transfers", body, key=key))
        return answers

    answers_by_key = list(zip(*in_threads(16, send_all), strict=True))

    for answers in answers_by_key:
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert ["Idempotent-Replayed" in answer for answer in answers].count(False) == 1
    assert Transfer.objects.filter(kind="TRANSFER").count() == len(keys)
    assert Account.objects.get(pk=dest.pk).balance == 7 * len(keys)
    assert check_ledger().ok


CLIENTS, ACTIONS, ACCOUNTS, STAKE = 32, 200, 10, 40_000
LEAST_MOVEMENTS, LEAST_SNAPSHOTS = 5_000, 100
REFUSALS = {
    "insufficient_funds",
    "hold_already_resolved",
    "already_reversed",
    "not_reversible",
    "same_account",
}


class Player:
    """One of many clients that move money about at random."""

    def __init__(self, number, client, accounts) -> None:
        self.dice = random.Random(SEED + number)
        self.client, self.accounts = client, accounts
        self.holds, self.posted = [], []
        self.outcomes: Counter[str] = Counter()

    def play(self) -> Counter[str]:
        for _ in range(ACTIONS):
            answer = self.dice.choices(
                [self.transfer, self.hold, self.resolve, self.reverse], weights=[8, 1, 1, 1]
            )[0]()
            document = answer.json()
            self.outcomes[document.get("code") or document["kind"]] += 1
            if answer.status == 201 and document["kind"] == "HOLD":
                self.holds.append(document["id"])
            elif answer.status == 201 and document["kind"] == "TRANSFER":
                self.posted.append(document["id"])
        return self.outcomes

    def post(self, path, body=None):
        """Send a write, and retry with the same key while the service is too busy for it."""
        key, deadline = str(uuid.uuid4()), time.monotonic() + PATIENCE
        while (answer := self.client.post(path, body, key)).status == 503:
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)
        return answer

    def transfer(self, **more):
        source, dest = self.dice.sample(self.accounts, 2)
        body = {"source_account_id": source, "dest_account_id": dest, **more}
        return self.post("/transfers", {**body, "amount": self.dice.randint(1, 2_000)})

    def hold(self):
        return self.transfer(hold=True)

    def resolve(self):
        if not self.holds:
            return self.hold()
        verb = self.dice.choice(["capture", "void"])
        # Not taken off the list: now and then a hold is resolved a second time.
        return self.post(f"/transfers/{self.dice.choice(self.holds)}/{verb}")

    def reverse(self):
        if not self.posted:
            return self.transfer()
        return self.post(f"/transfers/{self.dice.choice(self.posted)}/reverse")


def watch(finished: threading.Event) -> Counter[tuple[int, int]]:
    """Count the totals and numbers of overdrawn accounts seen, each pair in one snapshot."""
    customers = Account.objects.filter(kind=AccountKind.CUSTOMER)
    overdrawn = Q(balance__lt=F("held") - F("overdraft_limit"))
    seen: Counter[tuple[int, int]] = Counter()
    # With pauses, because a thread that never waits would take the processor from the storm.
    while not finished.wait(0.01):
        # One statement sees one snapshot, on both databases.
        figures = customers.aggregate(total=Sum("balance"), overdrawn=Count("pk", filter=overdrawn))
        seen[figures["total"], figures["overdrawn"]] += 1
    return seen


def deadlocks() -> int:
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_a_storm_of_movements_conserves_the_total_at_every_moment(alice, funded_account):
    accounts = [str(funded_account(alice, balance=STAKE).pk) for _ in range(ACCOUNTS)]
    before, finished = deadlocks(), threading.Event()

    with live_server() as server, ThreadPoolExecutor(1) as watcher:

        def play(number):
            with LiveClient(server.port, alice) as client:
                return Player(number, client, accounts).play()

        watching = watcher.submit(lambda: (watch(finished), connection.close())[0])
        try:
            outcomes = sum(in_threads(CLIENTS, play), Counter())
        finally:
            finished.set()

    seen = watching.result()
    kinds = set(outcomes) - REFUSALS
    assert outcomes.total() == CLIENTS * ACTIONS
    assert kinds == {"TRANSFER", "HOLD", "CAPTURE", "VOID", "REVERSAL"}, SEED
    assert sum(outcomes[kind] for kind in kinds) >= LEAST_MOVEMENTS, (outcomes, SEED)
    assert set(seen) == {(ACCOUNTS * STAKE, 0)}, SEED
    assert seen.total() >= LEAST_SNAPSHOTS
    assert deadlocks() == before
    assert check_ledger().ok
