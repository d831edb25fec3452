"""Each face of the service tells the browser what it may load."""

import pytest
from django.core.management import call_command

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
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECRET_KEY = "a-key-of-more-than-fifty-characters-that-is-used-nowhere-else"

    call_command("check", deploy=True, fail_level="WARNING")
