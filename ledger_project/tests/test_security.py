"""Each face of the service tells the browser what it may load."""

import pytest
from django.core.management import call_command

from ledger_project.security import API_POLICY, POLICY_OF_PATH

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/accounts", "/healthz", "/openapi.json", "/nothing"])
def test_an_answer_of_the_api_loads_nothing(api, path):
    assert api.get(path)["Content-Security-Policy"] == API_POLICY


@pytest.mark.parametrize("path", ["/docs", "/admin/login/"])
def test_a_page_loads_only_from_here_and_runs_no_inline_script(client, path):
    policy = client.get(path)["Content-Security-Policy"]

    assert policy in POLICY_OF_PATH.values()
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy


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
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECRET_KEY = "a-key-of-more-than-fifty-characters-that-is-used-nowhere-else"

    call_command("check", deploy=True, fail_level="WARNING")
