"""Each face of the service tells the browser what it may load."""

import uuid
from contextlib import closing

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def policy_of(answer) -> dict[str, set[str]]:
    """Return the sources that each directive of an answer's policy allows."""
    directives = [part.split() for part in answer["Content-Security-Policy"].split(";")]
    return {name: set(sources) for name, *sources in directives}


@pytest.mark.parametrize("path", ["/accounts", "/healthz", "/openapi.json", "/nothing"])
def test_an_answer_of_the_api_loads_nothing(api, path):
    assert policy_of(api.get(path)) == {"default-src": {"'none'"}, "frame-ancestors": {"'none'"}}


@pytest.mark.parametrize("path", ["/docs", "/admin/login/"])
def test_a_page_loads_only_from_here_and_runs_no_inline_script(client, path):
    policy = policy_of(client.get(path))

    scripts = policy.get("script-src", policy["default-src"])
    assert scripts == {"'self'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == {"'none'"}
    # Swagger UI styles its elements inline, and draws its icons from data: URLs.
    assert set.union(*policy.values()) <= {"'self'", "'none'", "'unsafe-inline'", "data:"}
    assert [name for name in policy if "'unsafe-inline'" in policy[name]] in ([], ["style-src"])


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/account/", "/admin/nothing/"])
def test_a_form_of_the_admin_is_sent_nowhere_else(admin_client, path):
    assert policy_of(admin_client.get(path))["form-action"] == {"'self'"}


def test_a_staff_session_is_short_and_its_cookies_stay_here(client, admin_user, settings):
    answer = client.post(
        "/admin/login/?next=/admin/", {"username": "admin", "password": "password"}
    )

    session = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert session["max-age"] == 1800
    assert session["httponly"] is True
    assert session["samesite"] == "Strict"


def test_the_production_settings_pass_the_deployment_check(settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECRET_KEY = "a-key-of-more-than-fifty-characters-that-is-used-nowhere-else"

    call_command("check", deploy=True, fail_level="WARNING")


def test_https_is_demanded_of_this_host_alone(client, settings):
    settings.SECURE_HSTS_SECONDS = 31536000

    answer = client.get("/healthz", secure=True)

    assert answer["Strict-Transport-Security"] == "max-age=31536000"


def test_no_cache_keeps_an_answer_of_the_api(api, alice, funded_account):
    account = funded_account(alice, 100)
    path, key = f"/accounts/{account.pk}", str(uuid.uuid4())
    token = api.post("/auth/token", {"username": "alice", "password": "a password"})

    answers = {
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
    answers["an export"].getvalue()

    assert {name: answer.status_code for name, answer in answers.items()} == {
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
    assert {answer["Cache-Control"] for answer in answers.values()} == {"no-store"}
    assert answers["a replay"]["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/account/", "/admin/nothing/"])
def test_no_cache_keeps_a_page_of_the_admin(admin_client, path):
    assert "no-store" in admin_client.get(path)["Cache-Control"]


def test_a_cache_may_keep_what_is_the_same_for_everybody(client):
    with closing(client.get("/static/ledger_project/admin.css")) as asset:
        assert asset["Cache-Control"] == "max-age=60, public"
    assert client.get("/openapi.json")["Cache-Control"] == "no-cache"
