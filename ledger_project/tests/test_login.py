"""Logging in and out over the API, and exchanging refresh tokens."""

import json
from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.tests.tokens import assert_unauthorized, list_accounts, refresh

pytestmark = pytest.mark.django_db


def test_a_login_returns_an_access_token_for_the_api(anyone, log_in):
    pair = log_in()

    assert set(pair) == {"access", "refresh"}
    assert list_accounts(anyone, pair["access"]).status_code == 200


def test_tokens_have_their_lifetime_issuer_and_audience(log_in):
    pair = log_in()

    access, refresh_token = (
        jwt.decode(
            pair[kind], settings.SIMPLE_JWT["SIGNING_KEY"], ["HS256"], audience="mini-ledger"
        )
        for kind in ("access", "refresh")
    )
    assert access["exp"] - access["iat"] == timedelta(minutes=5).total_seconds()
    assert refresh_token["exp"] - refresh_token["iat"] == timedelta(days=1).total_seconds()
    assert (access["iss"], refresh_token["iss"]) == ("mini-ledger", "mini-ledger")


def test_a_wrong_name_and_a_wrong_password_get_the_same_response(anyone, alice):
    wrong_name = anyone.post("/auth/token", {"username": "nobody", "password": "a password"})
    wrong_password = anyone.post("/auth/token", {"username": "alice", "password": "another"})

    assert_unauthorized(wrong_name, "authentication_failed")
    assert_unauthorized(wrong_password, "authentication_failed")
    assert wrong_name.content == wrong_password.content


def test_a_deactivated_user_gets_the_same_response_as_a_wrong_name(anyone, make_user):
    make_user(username="gone", is_active=False)

    deactivated = anyone.post("/auth/token", {"username": "gone", "password": "a password"})
    wrong_name = anyone.post("/auth/token", {"username": "nobody", "password": "a password"})

    assert_unauthorized(deactivated, "authentication_failed")
    assert deactivated.content == wrong_name.content


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "alice",
        None,
        {"username": "alice"},
        {"password": "a password"},
        {"username": 5, "password": "a password"},
        {"username": None, "password": "a password"},
        {"username": ["alice"], "password": "a password"},
        {"username": {"a": 1}, "password": "a password"},
        {"username": "alice", "password": 5},
        {"username": "alice", "password": True},
        {"username": "alice", "password": None},
        {"username": "alice\0", "password": "a password"},
        {"username": "alice\ud800", "password": "a password"},
        {"username": "x" * 151, "password": "a password"},
        {"username": "alice", "password": "a password", "remember": True},
    ],
    ids=repr,
)
def test_an_invalid_login_body_is_refused(anyone, alice, body):
    response = anyone.generic(
        "POST", "/auth/token", json.dumps(body), content_type="application/json"
    )

    assert response.status_code == 422
    assert response.json()["code"] == "validation_failed"
    assert OutstandingToken.objects.count() == 0


@pytest.mark.parametrize("path", ["/auth/token/refresh", "/auth/logout"])
@pytest.mark.parametrize(
    "body",
    [{}, [], {"refresh": 5}, {"refresh": None}, {"refresh": ""}, {"refresh": "x", "more": 1}],
    ids=repr,
)
def test_an_invalid_refresh_body_is_refused(anyone, path, body):
    response = anyone.post(path, body)

    assert response.status_code == 422
    assert response.json()["code"] == "validation_failed"


@pytest.mark.parametrize("path", ["/auth/token", "/auth/token/refresh", "/auth/logout"])
def test_a_body_of_more_than_64_kib_is_refused(anyone, path):
    response = anyone.post(path, {"refresh": "x" * 64 * 1024})

    assert response.status_code == 413
    assert response.json()["code"] == "payload_too_large"


def test_the_response_to_a_login_is_never_stored(anyone, alice, log_in):
    pairs = [
        anyone.post("/auth/token", {"username": "alice", "password": "a password"}, key="k").json()
        for _ in range(2)
    ]
    refreshed = anyone.post("/auth/token/refresh", {"refresh": pairs[0]["refresh"]}, key="k")

    assert refreshed.status_code == 200
    assert pairs[0]["refresh"] != pairs[1]["refresh"]
    assert IdempotencyKey.objects.count() == 0


def test_a_refresh_token_is_exchanged_for_a_new_pair(anyone, log_in):
    old = log_in()

    response = refresh(anyone, old["refresh"])

    new = response.json()
    assert response.status_code == 200
    assert set(new) == {"access", "refresh"}
    assert new["refresh"] != old["refresh"]
    assert list_accounts(anyone, new["access"]).status_code == 200
    assert refresh(anyone, new["refresh"]).status_code == 200


def test_a_logout_revokes_only_its_refresh_token(anyone, log_in):
    ended, other = log_in(), log_in()

    first = anyone.post("/auth/logout", {"refresh": ended["refresh"]})
    second = anyone.post("/auth/logout", {"refresh": ended["refresh"]})

    assert (first.status_code, first.content) == (204, b"")
    assert (second.status_code, second.content) == (204, b"")
    assert refresh(anyone, other["refresh"]).status_code == 200
    assert_unauthorized(refresh(anyone, ended["refresh"]))
