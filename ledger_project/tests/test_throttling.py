"""The login throttle counts by network and by name, for all workers together."""

import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from ledger_project.models import LoginAttempt
from ledger_project.tests.logins import HERE, THERE, logging_in, statuses
from ledger_project.throttling import LoginTry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("three_logins_a_minute")]


@pytest.fixture
def log_in(client_for):
    return logging_in(client_for)


def test_the_fourth_failed_login_within_a_minute_is_refused(log_in, clock):
    responses = [log_in() for _ in range(4)]

    assert statuses(responses) == [401, 401, 401, 429]
    assert responses[3]["Content-Type"] == "application/problem+json"
    assert responses[3].json()["code"] == "throttled"
    assert responses[3]["Retry-After"] == "60"


def test_successful_logins_may_be_ten_times_as_many(alice, log_in, clock):
    responses = [log_in(password="a password") for _ in range(31)]
    clock.go_on(seconds=int(responses[30]["Retry-After"]))

    assert statuses(responses) == [200] * 30 + [429]
    assert responses[30]["Retry-After"] == "60"
    assert log_in(password="a password").status_code == 200


def test_a_successful_login_does_not_reset_the_count_of_failures(alice, log_in):
    passwords = ["wrong", "wrong", "a password", "a password", "wrong", "a password"]

    responses = [log_in(password=password) for password in passwords]

    assert statuses(responses) == [401, 401, 200, 200, 401, 429]


def test_the_right_password_is_refused_while_throttled(alice, log_in):
    for _ in range(3):
        log_in()

    response = log_in(password="a password")

    assert response.status_code == 429


def test_names_are_counted_case_insensitively(log_in):
    names = ("alice", "ALICE", "Alice", "aLICE")

    responses = [log_in(username=name, address=f"203.0.113.{n}") for n, name in enumerate(names)]

    assert statuses(responses) == [401, 401, 401, 429]


def test_another_name_from_another_address_is_not_refused(log_in):
    for _ in range(4):
        log_in()

    response = log_in(username="bob", address=THERE)

    assert response.status_code == 401


def test_a_login_refused_for_its_address_does_not_count_against_the_name(log_in):
    for name in ("x", "y", "z"):
        log_in(username=name)

    refused = [log_in(username="alice") for _ in range(5)]
    elsewhere = [log_in(username="alice", address=f"203.0.113.{n}") for n in (2, 3, 4)]

    assert statuses(refused) == [429] * 5
    assert statuses(elsewhere) == [401] * 3


def test_waiting_for_retry_after_is_enough_despite_attempts_in_between(log_in, clock):
    log_in()
    clock.go_on(seconds=20)
    log_in()
    log_in()
    first_refusal = log_in()
    clock.go_on(seconds=15)
    second_refusal = log_in()
    clock.go_on(seconds=int(second_refusal["Retry-After"]))

    responses = [log_in(), log_in()]

    assert (first_refusal["Retry-After"], second_refusal["Retry-After"]) == ("40", "25")
    assert statuses(responses) == [401, 429]
    assert responses[1]["Retry-After"] == "20"


def test_retry_after_is_the_longer_of_two_waits(log_in, clock):
    for address in (HERE, HERE, THERE):
        log_in(address=address)
    clock.go_on(seconds=30)
    log_in(username="bob")

    response = log_in()

    assert response.status_code == 429
    assert response["Retry-After"] == "30"


@pytest.mark.parametrize("name", [5, None, True, ["alice"], {"a": "b"}], ids=repr)
def test_a_name_that_is_not_a_string_is_422_and_counts_for_the_address(log_in, name):
    responses = [log_in(username=name) for _ in range(4)]

    assert statuses(responses) == [422, 422, 422, 429]
    assert responses[0].json()["code"] == "validation_failed"


def test_no_name_is_stored_in_plain_text(log_in):
    log_in(username="my password")

    subjects = LoginAttempt.objects.values_list("subject", flat=True)
    assert len(subjects) == 2
    assert all(len(subject) == 64 and int(subject, 16) for subject in subjects)


def test_expired_attempts_are_deleted(log_in, clock):
    for _ in range(3):
        log_in()
    clock.go_on(minutes=1)

    log_in()

    assert LoginAttempt.objects.count() == 2


def test_the_other_token_routes_are_not_throttled(client_for):
    responses = [
        client_for(None).post(path, {"refresh": "garbage"})
        for path in ("/auth/token/refresh", "/auth/logout")
        for _ in range(5)
    ]

    assert statuses(responses) == [401] * 10


@pytest.mark.django_db(transaction=True)
def test_exactly_3_of_12_concurrent_logins_reach_the_password_check(log_in, at_once):
    responses = at_once(*[log_in] * 12)

    assert sorted(statuses(responses)) == [401] * 3 + [429] * 9


def test_attempts_of_a_name_that_is_not_used_again_are_deleted(settings):
    settings.LOGIN_RATE = "3/minute"
    stale = timezone.now() - timedelta(minutes=2)
    LoginAttempt.objects.bulk_create(
        [LoginAttempt(subject=f"somebody {number}", at=stale) for number in range(12)]
    )

    LoginTry("192.0.2.1", "alice")
    LoginTry("192.0.2.1", "alice")

    assert LoginAttempt.objects.filter(at=stale).count() == 0


@pytest.mark.django_db(transaction=True)
def test_concurrent_right_logins_beyond_the_rate_wait_for_a_second(
    settings, alice, log_in, at_once
):
    settings.LOGIN_RATE = "10/minute"

    def log_in_as_told():
        for _ in range(60):
            response = log_in(password="a password")
            if response.status_code == 200:
                break
            waits.append(response["Retry-After"])
            time.sleep(1)
        return response

    waits = []
    responses = at_once(*[log_in_as_told] * 12)

    assert statuses(responses) == [200] * 12
    assert set(waits) <= {"1"}


def test_an_attempt_interrupted_by_the_database_counts_until_it_expires(alice, log_in, clock):
    for _ in range(3):
        with pytest.raises(OperationalError), LoginTry(HERE, "alice"):
            raise OperationalError

    refused = log_in(password="a password")
    clock.go_on(minutes=1)

    assert (refused.status_code, refused["Retry-After"]) == (429, "1")
    assert log_in(password="a password").status_code == 200


@pytest.mark.parametrize(
    ("method", "query"), [("get", ""), ("put", ""), ("delete", ""), ("post", "?x=1")]
)
def test_a_request_that_is_not_a_login_is_not_counted(
    alice, client_for, log_in, clock, method, query
):
    wrong = getattr(client_for(None), method)

    responses = [wrong(f"/auth/token{query}", REMOTE_ADDR=HERE) for _ in range(5)]

    assert set(statuses(responses)) == {422 if query else 405}
    assert log_in("alice", "a password").status_code == 200


def test_a_failed_login_logs_only_the_name_of_a_user(alice, log_in, caplog):
    log_in("alice")
    log_in("password-in-the-wrong-field")

    logged = [record.msg for record in caplog.records if record.name == "ledger.login"]
    assert [(line["event"], line["name"]) for line in logged] == [
        ("a login failed", "alice"),
        ("a login failed", None),
    ]


def test_a_refused_login_is_logged(alice, log_in, caplog):
    for _ in range(4):
        log_in("alice")

    logged = [record.msg for record in caplog.records if record.name == "ledger.login"]
    assert logged[3]["event"] == "refused a login after too many failed ones"
    assert (logged[3]["name"], logged[3]["client"]) == ("alice", HERE)
