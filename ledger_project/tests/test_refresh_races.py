"""A refresh token that is used twice, and what is committed then."""

import pytest
from rest_framework_simplejwt.tokens import RefreshToken

from ledger_project.tests.tokens import refresh

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_second_use_of_a_refresh_token_ends_all_of_its_user_and_of_nobody_else(
    client_for, alice, bob
):
    anyone = client_for(None)
    stolen, elsewhere, bobs = (RefreshToken.for_user(user) for user in (alice, alice, bob))
    newer = refresh(anyone, stolen).json()["refresh"]

    reuse = refresh(anyone, stolen)

    assert reuse.status_code == 401
    assert reuse.json()["code"] == "token_not_valid"
    assert reuse["WWW-Authenticate"] == 'Bearer realm="api"'
    after = [refresh(anyone, token).status_code for token in (newer, elsewhere, stolen, bobs)]
    assert after == [401, 401, 401, 200]


def test_after_a_reuse_the_user_may_log_in_again(client_for, alice):
    anyone, stolen = client_for(None), RefreshToken.for_user(alice)
    refresh(anyone, stolen)
    refresh(anyone, stolen)

    pair = anyone.post("/auth/token", {"username": "alice", "password": "a password"}).json()

    assert refresh(anyone, pair["refresh"]).status_code == 200


def test_using_a_token_that_was_logged_out_ends_all_of_its_user(client_for, alice):
    anyone = client_for(None)
    logged_out, other = RefreshToken.for_user(alice), RefreshToken.for_user(alice)
    anyone.post("/auth/logout", {"refresh": str(logged_out)})

    answers = [refresh(anyone, token).status_code for token in (logged_out, other)]

    assert answers == [401, 401]


def test_of_6_uses_at_once_exactly_one_succeeds_and_what_it_got_is_revoked(
    client_for, alice, at_once
):
    token = RefreshToken.for_user(alice)

    answers = at_once(*[lambda: refresh(client_for(None), token)] * 6)

    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401, 401]
    (won,) = (answer.json()["refresh"] for answer in answers if answer.status_code == 200)
    assert refresh(client_for(None), won).status_code == 401


def test_of_6_logouts_at_once_all_succeed(client_for, alice, at_once):
    body = {"refresh": str(RefreshToken.for_user(alice))}

    answers = at_once(*[lambda: client_for(None).post("/auth/logout", body)] * 6)

    assert [answer.status_code for answer in answers] == [204] * 6
