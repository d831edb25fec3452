"""Failed logins are counted by the database's clock, whatever the clocks of the servers."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ledger_project.models import KnownNetwork, LoginAttempt

pytestmark = pytest.mark.django_db

HERE = "203.0.113.1"
both = pytest.mark.parametrize(
    "wrong", [timedelta(days=40), timedelta(days=-40)], ids=["ahead", "behind"]
)


@pytest.fixture
def server(monkeypatch, client_for):
    """Return a function that logs in at a server whose clock is wrong by ``wrong``."""
    true = timezone.now

    def log_in(wrong: timedelta, password: str, address: str = HERE):
        body = {"username": "alice", "password": password}
        with monkeypatch.context() as patched:
            patched.setattr(timezone, "now", lambda: true() + wrong)
            return client_for(None).post("/auth/token", body, REMOTE_ADDR=address)

    return log_in


@both
def test_a_server_with_a_wrong_clock_shares_the_count_of_failures(settings, alice, server, wrong):
    settings.LOGIN_RATE = "3/minute"
    right = timedelta()

    responses = [server(clock, "wrong") for clock in (right, wrong, right, wrong, right)]

    assert [response.status_code for response in responses] == [401, 401, 401, 429, 429]
    assert LoginAttempt.objects.count() == 6


@both
def test_a_server_with_a_wrong_clock_shares_the_known_networks(settings, alice, server, wrong):
    settings.LOGIN_RATE = "3/minute"
    right = timedelta()
    first = server(right, "a password")
    for number in range(3):
        server(right, "wrong", f"198.51.100.{number}")

    responses = [server(clock, "a password") for clock in (wrong, right)]

    assert [response.status_code for response in (first, *responses)] == [200, 200, 200]
    assert KnownNetwork.objects.count() == 1
