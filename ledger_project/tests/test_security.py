"""Security headers, cookies and caching of the API, the documentation and the admin."""

import uuid
from contextlib import closing

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def policy_of(response) -> dict[str, set[str]]:
    """Return the sources that each directive of a response's policy allows."""
    directives = [part.split() for part in response["Content-Security-Policy"].split(";")]
    return {name: set(sources) for name, *sources in directives}


@pytest.mark.parametrize("path", ["/accounts", "/healthz", "/openapi.json", "/nothing"])
def test_a_response_of_the_api_may_load_nothing(api, path):
    assert policy_of(api.get(path)) == {"default-src": {"'none'"}, "frame-ancestors": {"'none'"}}


@pytest.mark.parametrize("path", ["/docs", "/admin/login/"])
def test_a_page_may_load_only_own_files_and_no_inline_script(client, path):
    policy = policy_of(client.get(path))

    scripts = policy.get("script-src", policy["default-src"])
    assert scripts == {"'self'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == {"'none'"}
    # Swagger UI needs inline styles, and data: URLs for its icons.
    assert set.union(*policy.values()) <= {"'self'", "'none'", "'unsafe-inline'", "data:"}
    assert [name for name in policy if "'unsafe-inline'" in policy[name]] in ([], ["style-src"])


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/account/", "/admin/nothing/"])
def test_a_form_of_the_admin_may_only_be_sent_to_the_admin(admin_client, path):
    assert policy_of(admin_client.get(path))["form-action"] == {"'self'"}


def test_a_staff_session_is_short_and_its_cookies_are_same_site(client, admin_user, settings):
    response = client.post(
        "/admin/login/?next=/admin/", {"username": "admin", "password": "password"}
    )

    session = response.cookies[settings.SESSION_COOKIE_NAME]
    assert session["max-age"] == 1800
    assert session["httponly"] is True
    assert session["samesite"] == "Strict"


def test_the_production_settings_pass_the_deployment_check(settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECRET_KEY = "a-key-of-more-than-fifty-characters-that-is-used-nowhere-else"

    call_command("check", deploy=True, fail_level="WARNING")


def test_programs_in_the_network_reach_health_checks_and_metrics_without_https(client, settings):
    settings.SECURE_SSL_REDIRECT = True

    statuses = {
        path: client.get(path).status_code
        for path in ("/healthz", "/readyz", "/metrics", "/integrity", "/docs", "/admin/")
    }

    assert statuses == {
        **dict.fromkeys(("/healthz", "/readyz", "/metrics"), 200),
        **dict.fromkeys(("/integrity", "/docs", "/admin/"), 301),
    }


def test_hsts_applies_to_this_host_only(client, settings):
    settings.SECURE_HSTS_SECONDS = 31536000

    response = client.get("/healthz", secure=True)

    assert response["Strict-Transport-Security"] == "max-age=31536000"


def test_responses_of_the_api_are_not_cached(api, alice, funded_account):
    account = funded_account(alice, 100)
    path, key = f"/accounts/{account.pk}", str(uuid.uuid4())
    token = api.post("/auth/token", {"username": "alice", "password": "a password"})

    responses = {
        "a token": token,
        "another token": api.post("/auth/token/refresh", {"refresh": token.json()["refresh"]}),
        "a balance": api.get(path),
        "a list": api.get("/accounts"),
        "a statement": api.get(f"{path}/statement"),
        "an export": api.get(f"{path}/statement", headers={"Accept": "text/csv"}),
        "a movement": api.post(f"{path}/deposit", {"amount": 5}, key=key),
        "a replay": api.post(f"{path}/deposit", {"amount": 5}, key=key),
        "a lookup": api.get(f"/idempotency-keys/{key}"),
        "a refusal": api.post(f"{path}/withdraw", {"amount": 500}),
        "a wrong body": api.post(f"{path}/withdraw", {}),
        "no token": APIClient().get(path),
        "a wrong method": api.delete(path),
        "an unknown address": api.get("/nothing"),
        "health": api.get("/healthz"),
    }
    responses["an export"].getvalue()

    assert {name: response.status_code for name, response in responses.items()} == {
        "a token": 200,
        "another token": 200,
        "a balance": 200,
        "a list": 200,
        "a statement": 200,
        "an export": 200,
        "a movement": 200,
        "a replay": 200,
        "a lookup": 200,
        "a refusal": 409,
        "a wrong body": 422,
        "no token": 401,
        "a wrong method": 405,
        "an unknown address": 404,
        "health": 200,
    }
    assert {response["Cache-Control"] for response in responses.values()} == {"no-store"}
    assert responses["a replay"]["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/account/", "/admin/nothing/"])
def test_pages_of_the_admin_are_not_cached(admin_client, path):
    assert "no-store" in admin_client.get(path)["Cache-Control"]


def test_public_files_may_be_cached(client):
    with closing(client.get("/static/ledger_project/admin.css")) as asset:
        assert asset["Cache-Control"] == "max-age=60, public"
    assert client.get("/openapi.json")["Cache-Control"] == "no-cache"
