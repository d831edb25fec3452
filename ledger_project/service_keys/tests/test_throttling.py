"""Grants aren't limited by the login throttle, and don't count for it."""

import pytest

from ledger_project.models import LoginAttempt
from ledger_project.service_keys.tests.keys import TOKEN_PATH
from ledger_project.tests.logins import HERE, logging_in, statuses

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("three_logins_a_minute"),
]


def test_twelve_instances_that_start_at_once_all_get_a_token(make_key, client_for, at_once):
    held = make_key()

    def start():
        return client_for(None).post(TOKEN_PATH, held.grant(), REMOTE_ADDR=HERE)

    answers = at_once(*[start] * 12)

    assert statuses(answers) == [200] * 12
    assert LoginAttempt.objects.count() == 0


def test_failed_logins_do_not_stop_a_key_and_wrong_secrets_do_not_stop_a_login(
    make_key, client_for, alice
):
    log_in, held = logging_in(client_for), make_key()
    for _ in range(4):
        client_for(None).post(TOKEN_PATH, held.grant(client_secret="x"), REMOTE_ADDR=HERE)
    logins = [log_in(password="a password"), *[log_in() for _ in range(4)]]

    answer = client_for(None).post(TOKEN_PATH, held.grant(), REMOTE_ADDR=HERE)

    assert statuses(logins) == [200, 401, 401, 401, 429]
    assert answer.status_code == 200
