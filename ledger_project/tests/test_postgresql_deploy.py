"""
The steps of deploy/Dockerfile and deploy/compose.yaml work, carried out without Docker.

The image is built in a folder, and its commands run with only the variables, the secrets and the
mounts that they declare, on a new PostgreSQL server. The monitoring reads the real metrics.
"""

import http.client
import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import promql_parser
import psycopg
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from psycopg.conninfo import conninfo_to_dict

from ledger_project.tests import images
from ledger_project.tests.deployments import SERVICES, Deployment, wait_until
from ledger_project.tests.live import PATIENCE
from ledger_project.tests.pages import ROOT, text
from ledger_project.tests.postgresql_servers import superuser
from tools.with_postgres import Server, free_port


@pytest.fixture(scope="module")
def deployment(tmp_path_factory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=lambda *_: {"secrets"})
    subprocess.run(["sh", "deploy/secrets.sh"], cwd=folder, check=True)
    (folder / "tmp").mkdir()
    with closing(Server(fsync="off")) as server:
        place = conninfo_to_dict(server.url)
        with psycopg.connect(superuser(server.url), autocommit=True) as session:
            # As in a new volume.
            session.execute("DROP DATABASE ledger")
            session.execute("DROP ROLE ledger_app")
        secrets = folder / "deploy" / "secrets"
        for name in ("ledger_app_url", "ledger_owner_url"):
            url = (secrets / name).read_text()
            here = f"@{place['host']}:{place['port']}/"
            (secrets / name).write_text(url.replace("@postgresql:5432/", here))
        image = images.build(ROOT / "deploy" / "Dockerfile", ROOT, folder)
        image.mounts = {"/tmp": folder / "tmp", "/run/secrets": secrets}
        for path in image.at("/app").rglob("*"):
            path.chmod(path.stat().st_mode & ~0o222)
        yield Deployment(image, server.url, secrets, free_port(), free_port())


@pytest.fixture(scope="module")
def files(deployment) -> dict[str, float]:
    """The files of the image before anything ran, with the times of their changes."""
    return modified(deployment.image.at("/app"))


def modified(folder: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def prepared(deployment, files) -> dict[str, tuple[int, str]]:
    """The exit status and the output of what runs before the service starts."""
    return {
        "roles": deployment.psql("sh", "deploy/postgresql/roles.sh"),
        "migrate": deployment.run("migrate"),
        "grants": deployment.psql(*SERVICES["grants"]["command"]),
    }


@pytest.fixture(scope="module")
def running(deployment, prepared, tmp_path_factory) -> Iterator[dict[str, Any]]:
    """The processes that run on."""
    logs = tmp_path_factory.mktemp("logs")
    started = {name: deployment.start(name, logs / name) for name in ("ledger", "deliverer")}
    try:
        wait_until(deployment.is_healthy)
        yield started
    finally:
        for process in started.values():
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()


def test_the_image_runs_as_a_user_without_rights_and_has_no_tests(deployment):
    image = deployment.image
    files = [str(path.relative_to(image.at("/app"))) for path in image.at("/app").rglob("*.py")]

    assert image.users[image.user] == "ledger"
    assert image.ports == ["8000"]
    assert [path for path in files if "/tests/" in path or "conftest" in path] == []
    assert "ledger_project/__main__.py" in files


def test_the_database_is_prepared(prepared):
    assert [status for status, _ in prepared.values()] == [0, 0, 0], prepared


def test_the_service_is_ready_as_the_role_of_the_application(deployment, running):
    status, body = deployment.request("GET", "/readyz")

    assert (status, json.loads(body)) == (200, {"status": "ready"})
    with psycopg.connect(superuser(deployment.url)) as session:
        users = session.execute(
            "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = 'ledger'"
            " AND backend_type = 'client backend'"
        )
        assert users.fetchall() == [("ledger_app",)]


@pytest.fixture(scope="module")
def scraped(deployment, running) -> dict[str, set[str]]:
    """The labels of each metric, after some use, as Prometheus scrapes them."""
    assert deployment.image.run(["python", "manage.py", "seed_demo"], owner())[0] == 0
    use(deployment)
    assert deployment.run("nightly")[0] == 0

    def scrape() -> dict[str, set[str]] | None:
        port = int(deployment.metrics_port)
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as client:
            client.request("GET", "/metrics")
            deliverer = client.getresponse().read().decode()
        found: dict[str, set[str]] = {"up": {"job", "instance"}}
        for body in (deployment.metrics(), deliverer):
            for family in text_string_to_metric_families(body):
                for sample in family.samples:
                    labels = {"job", "instance", *sample.labels}
                    found[sample.name] = found.get(sample.name, set()) | labels
        return found if "ledger_webhook_attempts_total" in found else None

    return wait_until(scrape)


def owner() -> dict[str, str]:
    return SERVICES["migrate"]["environment"]


def use(deployment: Deployment) -> None:
    """Move money, replay it, and cause an error."""
    login = {"username": "admin", "password": "admin"}
    token = json.loads(deployment.request("POST", "/auth/token", login)[1])["access"]
    bearer = {"Authorization": f"Bearer {token}"}
    accounts = json.loads(deployment.request("GET", "/accounts?status=OPEN", **bearer)[1])["items"]
    path = f"/accounts/{accounts[0]['id']}/deposit"

    def deposit(amount: int, key: str) -> int:
        headers = {**bearer, "Idempotency-Key": key}
        return deployment.request("POST", path, {"amount": amount}, **headers)[0]

    assert [deposit(amount, "twice") for amount in (5, 5, 6)] == [200, 200, 409]
    # A lock that somebody holds for longer than 100 ms dissolves the group of a request.
    books = psycopg.connect(superuser(deployment.url, "ledger"))
    with books as session, ThreadPoolExecutor() as pool:
        session.execute("SELECT FROM accounts_account FOR UPDATE")
        waiting = pool.submit(deposit, 7, "later")
        wait_until(lambda: "ledger_groups_dissolved_total" in deployment.metrics())
        session.rollback()
        # 503 if this machine is so busy that the request has waited for the lock for 3 s.
        assert waiting.result() in (200, 503)


def expressions() -> list[str]:
    """Return every expression of the alerts and the dashboard."""
    rules = yaml.safe_load(text("deploy/prometheus/alerts.yml"))["groups"][0]["rules"]
    panels = json.loads(text("deploy/grafana/dashboards/mini-ledger.json"))["panels"]
    targets = [target for panel in panels for target in panel.get("targets", [])]
    written = [*(rule["expr"] for rule in rules), *(target["expr"] for target in targets)]
    return [each.replace("$__rate_interval", "5m") for each in written]


def selectors(node: Any, grouped: frozenset[str] = frozenset()) -> list[tuple[str, set[str]]]:
    """Return each metric of an expression, and the labels by which it is chosen and grouped."""
    if isinstance(node, str):
        node = promql_parser.parse(node)
    if isinstance(node, promql_parser.VectorSelector):
        return [(node.name, {each.name for each in node.matchers.matchers} | grouped)]
    if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
        grouped |= set(node.modifier.labels)
    names = ("vector_selector", "expr", "lhs", "rhs")
    inner = [getattr(node, name) for name in names if hasattr(node, name)]
    inner += getattr(node, "args", [])
    return [found for each in inner for found in selectors(each, grouped)]


def test_the_alerts_and_the_dashboard_use_only_metrics_and_labels_that_exist(scraped):
    used = [each for expression in expressions() for each in selectors(expression)]
    # compose.yaml has no standby. These metrics are compared in test_postgresql_reads.py.
    used = [each for each in used if not each[0].startswith(("ledger_standby_", "ledger_reads_"))]

    assert len(used) > 30
    assert [(name, sorted(labels)) for name, labels in used if name not in scraped] == []
    # Only a service with several ledgers has the label `ledger` (`ledgers/tests/test_service.py`).
    assert [each for each in used if each[1] - {"le", "ledger"} - scraped[each[0]]] == []


def test_each_metric_of_the_service_is_on_the_dashboard_or_in_an_alert(scraped):
    def families(names: Iterable[str]) -> set[str]:
        bare = {re.sub("_(bucket|sum|count|total|created)$", "", name) for name in names}
        return {name for name in bare if name.startswith("ledger_")}

    used = [name for expression in expressions() for name, _ in selectors(expression)]

    # The first is a position, and the others have a panel as another metric.
    assert families(scraped) - families(used) == {
        *("ledger_events_newest", "ledger_group_wait_seconds", "ledger_retries")
    }


def test_nothing_was_written_outside_of_tmp(deployment, files, scraped):
    assert modified(deployment.image.at("/app")) == files


def test_the_containers_stop_when_they_are_told_to(running, scraped):
    for process in running.values():
        process.send_signal(signal.SIGTERM)

    assert [process.wait(PATIENCE) for process in running.values()] == [0, 0]
