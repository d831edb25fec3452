"""GET /metrics: who may read it, and its values, which include all workers."""

import shutil
import uuid

import psutil
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from audit import verdict
from ledger_project.metrics import imbalance
from ledger_project.tests.live import LiveClient, live_server
from transfers import clock, services
from transfers.guards import guards

pytestmark = pytest.mark.django_db


def samples(text: str) -> dict[tuple, float]:
    """Return the value of each sample by its name and labels."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(autouse=True)
def forget_the_imbalance():
    imbalance.read.clear()


def test_a_scrape_from_this_machine_is_allowed(client):
    response = client.get("/metrics")

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer ", "Basic right"])
def test_a_scrape_from_elsewhere_needs_the_token(client, settings, authorization):
    settings.METRICS_TOKEN = "right"
    headers = {"Authorization": authorization} if authorization else {}

    response = client.get("/metrics", headers=headers, REMOTE_ADDR="192.0.2.1")

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == 'Bearer realm="metrics"'


def test_a_scrape_from_elsewhere_with_the_token_is_allowed(client, settings):
    settings.METRICS_TOKEN = "right"

    response = client.get(
        "/metrics", headers={"Authorization": "Bearer right"}, REMOTE_ADDR="192.0.2.1"
    )

    assert response.status_code == 200


def test_if_no_token_is_set_any_token_from_elsewhere_is_refused(client, settings):
    settings.METRICS_TOKEN = ""

    response = client.get("/metrics", headers={"Authorization": "Bearer "}, REMOTE_ADDR="192.0.2.1")

    assert response.status_code == 401


def test_a_wrong_token_from_this_machine_is_ignored(client, settings):
    settings.METRICS_TOKEN = "a token"

    assert client.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 200


@pytest.mark.parametrize("said", ["127.0.0.1", "203.0.113.9", ""])
def test_a_request_through_a_proxy_on_this_machine_needs_the_token(client, said):
    response = client.get("/metrics", headers={"X-Forwarded-For": said})

    assert response.status_code == 401


@pytest.mark.parametrize(
    "name",
    [
        *("Forwarded", "forwarded", "Via", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP"),
        *("X-Forwarded", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto"),
        *("True-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "Client-IP"),
    ],
)
def test_every_forwarding_header_makes_the_token_necessary(client, settings, name):
    settings.METRICS_TOKEN = "right"
    without = client.get("/metrics", headers={name: "127.0.0.1"})
    bearing = client.get("/metrics", headers={name: "127.0.0.1", "Authorization": "Bearer right"})

    assert (without.status_code, bearing.status_code) == (401, 200)


def test_requests_refusals_and_replays_are_counted(api, alice, funded_account):
    account = funded_account(alice, balance=10)

    def figure(name, **labels):
        return REGISTRY.get_sample_value(name, labels) or 0

    def figures():
        return (
            figure(
                "ledger_requests_total",
                method="POST",
                route="/accounts/{account_id}/withdraw",
                status="200",
            ),
            figure("ledger_refusals_total", code="insufficient_funds"),
            figure("ledger_replays_total"),
        )

    before = figures()
    for amount in (5, 500):
        key = str(uuid.uuid4())
        for _ in range(2):
            api.post(f"/accounts/{account.pk}/withdraw", {"amount": amount}, key=key)

    assert figures() == (before[0] + 2, before[1] + 1, before[2] + 2)


def test_paths_that_no_route_matches_share_their_series(client):
    client.get("/nothing")
    before = samples(client.get("/metrics").text)
    client.get("/nothing-else")
    after = samples(client.get("/metrics").text)

    counted = ("ledger_requests_total", "404", "GET", "none")
    assert after[counted] == before[counted] + 1
    assert not [name for name in after if "/nothing" in str(name)]


@pytest.mark.django_db(transaction=True)
def test_committed_transfers_are_counted_by_kind_and_currency(api, alice, funded_account):
    account = funded_account(alice, balance=10)

    def figures():
        labels = {"kind": "WITHDRAWAL", "currency": "USD"}
        return [
            REGISTRY.get_sample_value(name, labels) or 0
            for name in ("ledger_transfers_total", "ledger_transferred_amount_total")
        ]

    before, key = figures(), str(uuid.uuid4())
    api.post(f"/accounts/{account.pk}/withdraw", {"amount": 3}, key=key)
    api.post(f"/accounts/{account.pk}/withdraw", {"amount": 3}, key=key)
    api.post(f"/accounts/{account.pk}/withdraw", {"amount": 500})

    assert figures() == [before[0] + 1, before[1] + 3]


@pytest.mark.django_db(transaction=True)
def test_transfers_that_are_rolled_back_are_not_counted(alice, funded_account):
    account = funded_account(alice, balance=10)
    labels = {"kind": "WITHDRAWAL", "currency": "USD"}
    before = REGISTRY.get_sample_value("ledger_transfers_total", labels)

    with transaction.atomic():
        services.withdraw(account_id=account.pk, amount=3, actor=alice)
        transaction.set_rollback(True)

    assert REGISTRY.get_sample_value("ledger_transfers_total", labels) == before


def test_the_database_is_up(client):
    figures = samples(client.get("/metrics").text)

    assert figures["ledger_database_up",] == 1
    has_connections = ("ledger_database_connections", "active") in figures
    assert has_connections == (connection.vendor == "postgresql")


def test_a_scrape_tells_that_the_database_is_down(client, monkeypatch):
    def unreachable(*_args):
        raise OperationalError("It is gone.")

    monkeypatch.setattr(connection, "cursor", unreachable)

    response = client.get("/metrics")

    assert response.status_code == 200
    assert samples(response.text)["ledger_database_up",] == 0


@pytest.mark.django_db(transaction=True)
def test_a_scrape_tells_the_rest_if_the_events_cannot_be_read(client):
    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    rename("events_event", "elsewhere")
    try:
        response = client.get("/metrics")
    finally:
        rename("elsewhere", "events_event")

    assert response.status_code == 200
    figures = samples(response.text)
    assert figures["ledger_database_up",] == 1
    assert ("ledger_events_newest",) not in figures


def test_a_balanced_ledger_has_an_imbalance_of_0(client, alice, funded_account):
    funded_account(alice, balance=10)

    assert samples(client.get("/metrics").text)["ledger_imbalance", "USD"] == 0


def test_an_unbalanced_ledger_shows_its_imbalance(client, alice, funded_account):
    funded_account(alice, balance=10)
    guards.drop(connection)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE transfers_ledgerentry SET amount = 13 WHERE type = 'CREDIT'")

    assert samples(client.get("/metrics").text)["ledger_imbalance", "USD"] == 3


def test_a_large_ledger_shows_the_imbalance_of_its_last_verification(
    client, alice, funded_account, monkeypatch
):
    funded_account(alice, balance=10)
    guards.drop(connection)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE transfers_ledgerentry SET amount = 13 WHERE type = 'CREDIT'")
    monkeypatch.setattr(verdict, "AT_ONCE", 1)
    before = samples(client.get("/metrics").text)
    with pytest.raises(SystemExit):
        call_command("verify_ledger")
    imbalance.read.clear()

    assert ("ledger_imbalance", "USD") not in before
    assert samples(client.get("/metrics").text)["ledger_imbalance", "USD"] == 3


def test_the_result_and_the_time_of_the_last_verification_are_reported(
    client, alice, funded_account
):
    funded_account(alice, balance=10)
    before = samples(client.get("/metrics").text)
    call_command("verify_ledger")
    clean = samples(client.get("/metrics").text)
    guards.drop(connection)
    with pytest.raises(SystemExit):
        call_command("verify_ledger")
    broken = samples(client.get("/metrics").text)

    name, time = ("ledger_verification_ok",), ("ledger_verification_timestamp_seconds",)
    assert (name in before, clean[name], broken[name]) == (False, 1, 0)
    assert clock.now().timestamp() - 3600 < clean[time] <= broken[time]


@pytest.mark.django_db(transaction=True)
def test_the_metrics_include_all_workers_and_those_that_died(tmp_path):
    def ask_ten_times(port: int) -> None:
        for _ in range(10):
            with LiveClient(port) as client:
                assert client.get("/nothing").status == 404

    with live_server(PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as server:
        ask_ten_times(server.port)
        killed = [psutil.Process(worker) for worker in server.workers()]
        for worker in killed:
            worker.kill()
        _, alive = psutil.wait_procs(killed, timeout=60)
        ask_ten_times(server.port)
        with LiveClient(server.port) as client:
            figures = samples(client.get("/metrics").content.decode())

    assert alive == []
    assert figures["ledger_requests_total", "404", "GET", "none"] == 20
    assert figures["ledger_refusals_total", "not_found"] == 20


@pytest.mark.django_db(transaction=True)
def test_requests_succeed_after_the_metrics_files_were_deleted(tmp_path):
    folder = tmp_path / "metrics"
    with live_server(PROMETHEUS_MULTIPROC_DIR=str(folder)) as server:
        # The directory is created at the start. A new worker has to open its files in it.
        shutil.rmtree(folder)
        killed = [psutil.Process(worker) for worker in server.workers()]
        for worker in killed:
            worker.kill()
        psutil.wait_procs(killed, timeout=60)

        with LiveClient(server.port) as client:
            statuses = [client.get(path).status for path in ("/healthz", "/nothing", "/metrics")]

    assert statuses == [200, 404, 200]
