"""Refresh tokens that are used more than once, also concurrently."""

import pytest
from rest_framework_simplejwt.tokens import RefreshToken

from ledger_project.tests.tokens import refresh

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_second_use_of_a_refresh_token_revokes_all_of_its_user_only(client_for, alice, bob):
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


def test_using_a_revoked_refresh_token_revokes_all_of_its_user(client_for, alice):
    anyone = client_for(None)
    logged_out, other = RefreshToken.for_user(alice), RefreshToken.for_user(alice)
    anyone.post("/auth/logout", {"refresh": str(logged_out)})

    responses = [refresh(anyone, token).status_code for token in (logged_out, other)]

    assert responses == [401, 401]


def test_one_of_6_concurrent_refreshes_succeeds_and_its_new_token_is_revoked(
    client_for, alice, at_once
):
    token = RefreshToken.for_user(alice)

    responses = at_once(*[lambda: refresh(client_for(None), token)] * 6)

    assert sorted(response.status_code for response in responses) == [200, 401, 401, 401, 401, 401]
    (won,) = (response.json()["refresh"] for response in responses if response.status_code == 200)
    assert refresh(client_for(None), won).status_code == 401


def test_6_concurrent_logouts_all_succeed(client_for, alice, at_once):
    body = {"refresh": str(RefreshToken.for_user(alice))}

    responses = at_once(*[lambda: client_for(None).post("/auth/logout", body)] * 6)

    assert [response.status_code for response in responses] == [204] * 6
