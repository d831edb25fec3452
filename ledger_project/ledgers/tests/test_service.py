"""The real server and deliverer with two ledgers: nothing crosses under load, and files change."""

import json
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import Account
from audit.ledger import check_ledger
from database.switching import named
from events.webhooks import services as webhooks
from events.webhooks.tests.receivers import answering, receiver
from ledger_project.database_url import database_of
from ledger_project.ledgers.file import Ledger
from ledger_project.ledgers.pool import pool, using
from ledger_project.ledgers.tests.conftest import A, B
from ledger_project.ledgers.tests.databases import copies, write
from ledger_project.tests.live import PATIENCE, LiveClient, LiveServer
from transfers.models import Transfer
from transfers.services import deposit

pytestmark = pytest.mark.django_db

# Each client has a ledger and sends this many transfers.
CLIENTS, TRANSFERS = 16, 12


def wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def service(urls, django_db_blocker, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """The server with two ledgers, its file, and in each ledger a user with two accounts."""
    folder = tmp_path_factory.mktemp("service")
    file = folder / "ledgers.toml"
    write(file, urls)
    server = LiveServer(
        *("--workers", "2", "--threads", "8"),
        LEDGER_LEDGERS=str(file),
        LEDGER_WEBHOOK_ALLOWED_HOSTS="127.0.0.1",
        PROMETHEUS_MULTIPROC_DIR=str(folder / "metrics"),
    )
    with django_db_blocker.unblock():
        people = {host: Person(host, url) for host, url in urls.items()}
        # The copy has the same users. Nobody may be connected to what is copied.
        pool.keep_only([])
        with copies(urls[B], ["ledger-c"], folder) as [copy]:
            try:
                server.start()
                yield SimpleNamespace(
                    server=server, file=file, urls=urls, people=people, copy_of_b=copy
                )
            finally:
                server.stop()


class Person:
    """A user with two accounts, in one of the ledgers, and clients of theirs."""

    def __init__(self, host: str, url: str) -> None:
        self.ledger = ledger_at(host, url)
        with using(self.ledger):
            self.user = User.objects.create_user(f"user-{uuid.uuid4().hex[:8]}")
            self.accounts = [
                Account.objects.create(owner=self.user, owner_name=host, currency="USD")
                for _ in range(2)
            ]
            deposit(account_id=self.accounts[0].pk, amount=1_000_000, actor=self.user)

    def client(self, port: int) -> LiveClient:
        with named(self.ledger.host):
            client = LiveClient(port, self.user)
        client.headers["Host"] = self.ledger.host
        return client

    def order(self, memo: str) -> dict[str, Any]:
        source, dest = (str(account.pk) for account in self.accounts)
        return {"source_account_id": source, "dest_account_id": dest, "amount": 1, "memo": memo}


def ledger_at(host: str, url: str) -> Ledger:
    return Ledger(host, url, database_of(url, settings.BASE_DIR, is_command=False))


def test_groups_of_two_ledgers_never_mix_under_load(service):
    def work(number: int) -> Counter[tuple[str, int]]:
        host = (A, B)[number % 2]
        answers: Counter[tuple[str, int]] = Counter()
        with service.people[host].client(service.server.port) as client:
            for turn in range(TRANSFERS):
                # The same keys in both ledgers.
                key = f"{number // 2}-{turn}"
                sent = client.post("/transfers", service.people[host].order(host), key)
                answers[host, sent.status] += 1
        return answers

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = sum(clients.map(work, range(CLIENTS)), Counter())

    each = CLIENTS // 2 * TRANSFERS
    assert answers == {(A, 201): each, (B, 201): each}
    for host in (A, B):
        with using(service.people[host].ledger):
            memos = Counter(Transfer.objects.exclude(kind="DEPOSIT").values_list("memo", flat=True))
            balances = [
                Account.objects.get(pk=account.pk).balance
                for account in service.people[host].accounts
            ]
            assert check_ledger().ok
        assert memos == {host: each}
        assert balances == [1_000_000 - each, each]
    scraped = scrape(service.server.port)
    for host in (A, B):
        assert sum(scraped["ledger_transfers_total", host].values()) == each
        # All were carried out in groups, and each group is counted for one ledger.
        assert sum(scraped["ledger_group_size_sum", host].values()) == each
        assert list(scraped["ledger_database_up", host].values()) == [1]
        assert set(scraped["ledger_imbalance", host].values()) == {0}
        # The alerts compare these by ledger.
        assert ("ledger_requests_total", host) in scraped
        assert ("ledger_request_seconds_bucket", host) in scraped


def scrape(port: int) -> dict[tuple[str, str], dict[str, float]]:
    """Return the samples of the metrics, by their name and ledger and then by their labels."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    with LiveClient(port) as client:
        text = client.get("/metrics").content.decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            place = found.setdefault((sample.name, sample.labels.get("ledger", "")), {})
            place[json.dumps(sample.labels, sort_keys=True)] = sample.value
    return found


def test_those_who_wait_for_events_are_woken_by_their_own_ledger(service):
    cursors = {}
    for host, person in service.people.items():
        with person.client(service.server.port) as client:
            end = ""
            while page := client.get(f"/events?limit=100{end}").json():
                end = f"&after={page['next_cursor']}"
                if not page["items"]:
                    break
            cursors[host] = page["next_cursor"]

    def wait(host: str, seconds: int) -> list[int]:
        with service.people[host].client(service.server.port) as client:
            page = client.get(f"/events?wait={seconds}&after={cursors[host]}").json()
            return [event["data"]["amount"] for event in page["items"]]

    with ThreadPoolExecutor(2) as waiting:
        # Both are answered: B with nothing, after its wait.
        a, b = waiting.submit(wait, A, 20), waiting.submit(wait, B, 5)
        person = service.people[A]
        with using(person.ledger):
            deposit(account_id=person.accounts[0].pk, amount=5, actor=person.user)
        assert (a.result(), b.result()) == ([5], [])


def test_a_ledger_is_added_and_removed_without_a_restart(service):
    port, added = service.server.port, "c.example"

    def status(host: str) -> int:
        with LiveClient(port) as client:
            client.headers["Host"] = host
            return client.get("/readyz").status

    assert status(added) == 400
    write(service.file, {**service.urls, added: service.copy_of_b})
    # Each worker reads the file on its own, with the first request after a second.
    wait_until(lambda: [status(added) for _ in range(10)] == [200] * 10)
    # The copy has the same user with the same password, and another ledger's token.
    with service.people[B].client(port) as client:
        assert client.get("/accounts").status == 200
        client.headers["Host"] = added
        wait_until(lambda: client.get("/accounts").status == 401)
    write(service.file, service.urls)
    wait_until(lambda: [status(added) for _ in range(10)] == [400] * 10)
    assert [status(A), status(B)] == [200, 200]


def test_one_deliverer_serves_the_webhooks_of_all_ledgers(service):
    environment = {**service.server.environment, "LEDGER_LOG_LEVEL": "INFO"}
    command = [sys.executable, "manage.py", "deliver_webhooks"]
    with receiver(answering(200)) as of_a, receiver(answering(200)) as of_b:
        for host, server in ((A, of_a), (B, of_b)):
            person = service.people[host]
            with using(person.ledger):
                wanted = {"events": [], "account_ids": [], "description": ""}
                webhooks.register(owner=person.user, url=server.url, **wanted)
                deposit(account_id=person.accounts[0].pk, amount=7, actor=person.user)
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment)
        try:
            wait_until(lambda: of_a.requests and of_b.requests)
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0

    for host, server in ((A, of_a), (B, of_b)):
        accounts = {str(account.pk) for account in service.people[host].accounts}
        [(_, body)] = server.requests
        assert json.loads(body)["data"]["dest_account_id"] in accounts


def test_logs_name_the_ledger(service, tmp_path):
    log = tmp_path / "log"
    named = {"LEDGER_LEDGERS": str(service.file), "LEDGER_LOG_LEVEL": "INFO"}
    server = LiveServer("--workers", "1", "--threads", "1", **named)
    with log.open("wb") as server.stderr:
        server.start()
        try:
            for host in (A, B, "localhost"):
                with LiveClient(server.port) as client:
                    client.headers["Host"] = host
                    assert client.get("/healthz").status == 200
        finally:
            server.stop()

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    requests = [line for line in lines if line.get("route") == "/healthz"]
    assert [line.get("ledger") for line in requests] == [A, B, None]
