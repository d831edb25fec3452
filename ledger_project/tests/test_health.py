"""GET /healthz and GET /readyz."""

from urllib.parse import parse_qs

import pytest
from django.db import OperationalError, connection
from structlog.testing import capture_logs

from accounts.models import ensure_external_accounts
from api.tests.contract import assert_invalid, assert_problem
from ledger_project import health


def test_the_service_is_live_without_its_database(client):
    # Without the `db` fixture a query would fail.
    response = client.get("/healthz")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"status": "ok"}


@pytest.mark.django_db
def test_the_service_is_ready_if_its_database_is_reachable_and_migrated(client):
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {"status": "ready"}


@pytest.mark.django_db
def test_why_the_service_is_not_ready_is_logged_once(client, monkeypatch):
    reasons = [None, "It is a standby.", "It is a standby.", "It is not migrated.", None, None]
    monkeypatch.setattr(health, "_logged", {})
    monkeypatch.setattr(health, "_not_ready", lambda only_reads: reasons.pop(0))

    with capture_logs() as logged:
        for _ in range(len(reasons)):
            client.get("/readyz")

    told = [(each["event"], each.get("reason")) for each in logged if each["event"] != "request"]
    assert told == [
        ("not ready", "It is a standby."),
        ("not ready", "It is not migrated."),
        ("ready again", None),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("app", ["accounts", "transfers", "idempotency", "auth"])
def test_the_service_is_not_ready_before_a_migration(client, app):
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id ="
            " (SELECT max(id) FROM django_migrations WHERE app = %s)",
            [app],
        )

    response = client.get("/readyz")

    assert_problem(
        response,
        503,
        "temporarily_unavailable",
        detail="The database is not migrated. Run `manage.py migrate`.",
    )
    assert int(response["Retry-After"]) >= 1


@pytest.mark.django_db
def test_the_service_is_not_ready_on_a_database_of_an_earlier_version(client):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_account RENAME COLUMN metadata TO data")
        cursor.execute("ALTER TABLE ledger_project_knownnetwork RENAME TO networks")

    response = client.get("/readyz")

    assert_problem(
        response,
        503,
        "temporarily_unavailable",
        detail="This database was created by an earlier, unreleased version of Mini Ledger: it "
        "lacks accounts_account.metadata, ledger_project_knownnetwork. "
        "Create a new one (for the demo: rm mini_ledger.db*).",
    )


@pytest.mark.django_db
def test_the_service_is_not_ready_before_a_new_currency_has_its_external_account(client, settings):
    settings.CURRENCIES = [*settings.CURRENCIES, "CHF"]

    before = client.get("/readyz")
    ensure_external_accounts()
    after = client.get("/readyz")

    assert_problem(before, 503, "temporarily_unavailable", detail=before.json()["detail"])
    assert after.status_code == 200


@pytest.mark.django_db
def test_the_service_is_not_ready_while_its_database_is_unreachable(client):
    def fail(*_query):
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(fail):
        response = client.get("/readyz")

    assert_problem(response, 503, "temporarily_unavailable")
    assert int(response["Retry-After"]) >= 1


@pytest.mark.django_db
def test_readiness_for_reads_can_be_requested(client):
    response = client.get("/readyz?for=reads")

    assert response.status_code == 200
    assert response.json() == {"status": "ready"}


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["for=", "for=writes", "for=READS", "for=x&for=reads"])
def test_readiness_for_anything_else_is_refused(client, query):
    response = client.get(f"/readyz?{query}")

    assert_invalid(response, ("#/for", "invalid_choice"))


@pytest.mark.parametrize("path", ["/healthz?for=reads", "/readyz?to=reads"])
def test_an_unknown_parameter_of_a_probe_is_refused(client, path):
    response = client.get(path)

    [name] = parse_qs(path.partition("?")[2])
    assert_invalid(response, (f"#/{name}", "unknown_parameter"))


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_needs_no_token_and_ignores_an_invalid_one(client_for, path):
    client = client_for(None)
    client.credentials(HTTP_AUTHORIZATION="Bearer forged")

    response = client.get(path)

    assert response.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_supports_head(client, path):
    response = client.head(path)

    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_probe_refuses_other_methods(client, path, method):
    response = client.generic(method, path)

    assert_problem(response, 405, "method_not_allowed")
