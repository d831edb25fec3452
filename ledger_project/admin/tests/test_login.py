"""The login of the admin shares its limit on failed logins with the token route."""

import pytest

from ledger_project.models import KnownNetwork, LoginAttempt
from ledger_project.tests.logins import HERE, THERE, logging_in, statuses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("three_logins_a_minute")]

LOGIN = "/admin/login/?next=/admin/"


@pytest.fixture
def log_in(client):
    """Return a function that sends the admin's login form and returns the response."""

    def send(username="staff", password="wrong", address=HERE):
        body = {"username": username, "password": password}
        return client.post(LOGIN, body, REMOTE_ADDR=address)

    return send


@pytest.fixture
def ask_for_token(client_for):
    """Return a function that requests a token from the API and returns the response."""
    return logging_in(client_for, "staff")


def test_the_fourth_attempt_is_refused_with_the_seconds_to_wait(log_in, clock):
    responses = [log_in() for _ in range(4)]

    assert statuses(responses) == [200, 200, 200, 429]
    assert responses[3]["Retry-After"] == "60"
    assert responses[3].context["form"].non_field_errors() == [
        "Too many failed logins. Try again in 60 seconds."
    ]


def test_an_attempt_over_the_limit_is_refused_despite_the_right_password(staff, log_in, client):
    for _ in range(3):
        log_in()

    response = log_in(password="a password")

    assert response.status_code == 429
    assert "_auth_user_id" not in client.session


def test_a_login_succeeds_after_retry_after(staff, log_in, clock):
    for _ in range(3):
        log_in()
    clock.go_on(seconds=int(log_in()["Retry-After"]))

    response = log_in(password="a password")

    assert (response.status_code, response["Location"]) == (302, "/admin/")


def test_the_limit_for_successful_logins_is_ten_times_as_high(staff, log_in, client):
    responses = []
    for _ in range(31):
        responses.append(log_in(password="a password"))
        client.logout()

    assert statuses(responses) == [302] * 30 + [429]


@pytest.mark.parametrize("door", ["log_in", "ask_for_token"])
def test_guessing_from_another_network_does_not_lock_staff_out(
    staff, log_in, ask_for_token, door, request
):
    request.getfixturevalue(door)(password="a password", address=HERE)
    for n in range(2):
        log_in(address=f"198.51.100.{n}")
        ask_for_token(address=f"198.51.100.{n}")

    responses = [each(password="a password", address=HERE) for each in (log_in, ask_for_token)]

    assert statuses(responses) == [302, 200]


@pytest.mark.parametrize(
    "body",
    [{"username": "staff"}, {"password": "a password"}, {}, {"username": "staff", "password": ""}],
    ids=repr,
)
def test_a_login_without_name_or_password_counts_as_failed(staff, client, body):
    responses = [client.post(LOGIN, body, REMOTE_ADDR=HERE) for _ in range(4)]

    assert statuses(responses) == [200, 200, 200, 429]
    assert KnownNetwork.objects.count() == 0


def test_a_login_of_a_user_who_is_not_staff_counts_as_failed(alice, log_in):
    responses = [log_in("alice", "a password") for _ in range(4)]

    assert statuses(responses) == [200, 200, 200, 429]
    assert KnownNetwork.objects.count() == 0


def test_addresses_of_one_network_are_counted_together(log_in):
    addresses = ["2001:db8::1", "2001:db8::2", "2001:db8::3%eth0", "2001:db8::4"]

    responses = [log_in(f"name-{n}", address=address) for n, address in enumerate(addresses)]

    assert statuses(responses) == [200, 200, 200, 429]


def test_showing_the_login_form_is_not_counted(client):
    responses = [client.get(LOGIN, REMOTE_ADDR=HERE) for _ in range(5)]

    assert statuses(responses) == [200] * 5
    assert LoginAttempt.objects.count() == 0


def test_a_network_is_counted_across_both_logins_and_all_names(log_in, ask_for_token):
    responses = [log_in("x"), ask_for_token("y"), log_in("z"), ask_for_token("u"), log_in("v")]

    assert statuses(responses) == [200, 401, 200, 429, 429]


def test_a_name_is_counted_across_both_logins_and_all_new_networks(log_in, ask_for_token):
    doors = [log_in, ask_for_token, log_in, ask_for_token, log_in]

    responses = [door(address=f"203.0.113.{n}") for n, door in enumerate(doors)]

    assert statuses(responses) == [200, 401, 200, 429, 429]


def test_another_name_from_another_network_is_not_refused(log_in):
    for _ in range(4):
        log_in()

    response = log_in(username="bob", address=THERE)

    assert response.status_code == 200


# Each of these logs in as the same user in the admin or the API, or may look as if it did.
SPELLINGS = ["staff", " staff", "staff\t", "STAFF", "\uff53taff", "\u00a0staff"]


@pytest.mark.parametrize("door", ["log_in", "ask_for_token"])
def test_different_spellings_of_a_name_are_counted_together(door, request):
    log_in = request.getfixturevalue(door)

    responses = [log_in(name, address=f"203.0.113.{n}") for n, name in enumerate(SPELLINGS)]

    assert statuses(responses)[3:] == [429] * 3


@pytest.mark.django_db(transaction=True)
def test_exactly_3_of_12_concurrent_attempts_reach_the_password_check(
    log_in, ask_for_token, at_once
):
    responses = at_once(*[log_in, ask_for_token] * 6)

    assert statuses(responses).count(429) == 9


def test_logging_out_says_that_the_session_has_ended(client, staff):
    client.force_login(staff)

    text = client.post("/admin/logout/").text

    assert "Your session has ended." in text
    assert '<a href="/admin/">Log in again</a>' in text


LOST = "Nothing was changed: your session had ended when the form was sent."


def test_the_login_page_says_that_a_form_was_lost_with_the_session(client, staff):
    lost = client.post("/admin/accounts/account/", {"action": "freeze"}, follow=True)
    again = client.get(LOGIN)

    assert lost.redirect_chain == [("/admin/login/?next=/admin/accounts/account/", 302)]
    assert LOST in lost.text
    assert LOST not in again.text


@pytest.mark.parametrize(("method", "path"), [("get", "/admin/"), ("post", "/admin/logout/")])
def test_nothing_is_said_to_be_lost_without_a_form(client, method, path):
    assert LOST not in getattr(client, method)(path, follow=True).text
