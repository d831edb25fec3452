"""Which hosts are served, and what a host without a ledger serves."""

import pytest

from api.tests.contract import assert_problem
from ledger_project.ledgers.tests.conftest import A, B
from ledger_project.ledgers.tests.databases import write
from ledger_project.tests.test_security_matrix import ADMIN_ROUTES, API_ROUTES

OF_THE_SERVICE = {"healthz", "readyz", "metrics", "openapi.json", "docs", ""}


def path_of(route: str) -> str:
    return "/" + route.replace("<path:key>", "key").replace("<", "").replace(">", "")


@pytest.mark.one_database
@pytest.mark.parametrize("host", ["unknown.example", f"evil.{A}", "", "a.example b.example"])
def test_an_unknown_host_is_refused_on_every_route(ledgers, client, host):
    for route in [*API_ROUTES, *ADMIN_ROUTES[:3]]:
        response = client.get(path_of(route), headers={"Host": host})
        assert response.status_code == 400, route
        if not route.startswith("admin/"):
            assert_problem(
                response,
                400,
                "invalid_host",
                detail="The service doesn't accept requests for this host name.",
            )


@pytest.mark.one_database
def test_a_host_without_a_ledger_serves_only_what_needs_none(ledgers, client):
    # A session of some ledger is never looked up.
    client.cookies["sessionid"] = "x" * 32
    statuses = {
        route: client.get(path_of(route), headers={"Host": "localhost"}).status_code
        for route in [*API_ROUTES, *ADMIN_ROUTES]
    }

    served = {route for route, status in statuses.items() if status != 400}
    assert served == OF_THE_SERVICE
    assert {route: statuses[route] for route in served} == {
        **dict.fromkeys(OF_THE_SERVICE, 200),
        "": 302,
    }


@pytest.mark.one_database
@pytest.mark.parametrize("header", [A.upper(), f"{A}:8443", f"{A}."])
def test_the_host_of_a_ledger_may_be_written_in_any_way(ledgers, client, header):
    assert client.get("/readyz", headers={"Host": header}).status_code == 200


def test_readiness_is_that_of_the_ledger_or_of_any(ledgers, urls, client, settings, tmp_path):
    broken = urls[B].replace("ledger-b", "ledger-gone")
    other = tmp_path / "other.toml"

    def ready(hosts):
        write(other, hosts)
        settings.LEDGERS = str(other)
        return {
            host: client.get("/readyz", headers={"Host": host}).status_code
            for host in ("localhost", *hosts)
        }

    assert ready({A: broken, B: urls[B]}) == {"localhost": 200, A: 503, B: 200}
    other = tmp_path / "another.toml"
    assert ready({A: broken}) == {"localhost": 503, A: 503}
    gone = client.get("/readyz", headers={"Host": "localhost"})
    assert gone.json()["detail"].startswith("No ledger is ready. One of them: ")
