"""Logging in and out, and refresh tokens that work once."""

import json
from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from ledger_project.idempotency.models import IdempotencyKey

pytestmark = [
    pytest.mark.django_db,
    # A forger may well sign with a key that is too short.
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
]


@pytest.fixture
def anyone(client_for):
    return client_for(None)


@pytest.fixture
def log_in(anyone, alice):
    """Return a function that logs alice in and returns her pair of tokens."""

    def log_in_as_alice():
        answer = anyone.post("/auth/token", {"username": "alice", "password": "a password"})
        assert answer.status_code == 200
        return answer.json()

    return log_in_as_alice


def refresh(client, token):
    return client.post("/auth/token/refresh", {"refresh": token})


def list_accounts(client, token):
    return client.get("/accounts", headers={"Authorization": f"Bearer {token}"})


def assert_unauthorized(answer, code="token_not_valid"):
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer.json()["code"] == code


def resigned(token, key=settings.SIMPLE_JWT["SIGNING_KEY"], algorithm="HS256", **changes):
    """Return the token with some claims changed (None: left out), signed anew."""
    # As it travels: the issuer and the audience are added on the way out.
    claims = jwt.decode(str(token), options={"verify_signature": False}) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm)


# What is wrong with a token; each makes one of a good one.
FORGERIES = {
    "garbage": lambda token: "garbage",
    "empty parts": lambda token: "..",
    "not ASCII": lambda token: "é.é.é",
    "expired": lambda token: resigned(token, exp=int(timezone.now().timestamp()) - 1),
    "without an end": lambda token: resigned(token, exp=None),
    "alg none": lambda token: resigned(token, key=None, algorithm="none"),
    "another algorithm": lambda token: resigned(token, algorithm="HS512"),
    "wrong key": lambda token: resigned(token, key="x" * 48),
    "the other key": lambda token: resigned(token, key=settings.SECRET_KEY),
    "wrong audience": lambda token: resigned(token, aud="another"),
    "no audience": lambda token: resigned(token, aud=None),
    "wrong issuer": lambda token: resigned(token, iss="another"),
    "no issuer": lambda token: resigned(token, iss=None),
    "no user": lambda token: resigned(token, user_id=None),
    "no such user": lambda token: resigned(token, user_id="0"),
    "no kind": lambda token: resigned(token, token_type=None),
    "a stripped signature": lambda token: str(token).rpartition(".")[0] + ".",
    "an old password": lambda token: resigned(token, hash_password="0" * 32),
    "no password": lambda token: resigned(token, hash_password=None),
}


def test_a_login_gives_a_token_that_opens_the_api(anyone, log_in):
    pair = log_in()

    assert set(pair) == {"access", "refresh"}
    assert list_accounts(anyone, pair["access"]).status_code == 200


def test_a_token_that_was_good_is_refused_once_its_time_is_over(anyone, alice):
    now, token = int(timezone.now().timestamp()), AccessToken.for_user(alice)

    before = list_accounts(anyone, resigned(token, exp=now + 60 * 60))
    after = list_accounts(anyone, resigned(token, exp=now))

    assert before.status_code == 200
    assert_unauthorized(after)


def test_a_token_is_for_5_minutes_or_for_a_day_and_names_issuer_and_audience(log_in):
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


def test_a_wrong_name_and_a_wrong_password_are_answered_alike(anyone, alice):
    wrong_name = anyone.post("/auth/token", {"username": "nobody", "password": "a password"})
    wrong_password = anyone.post("/auth/token", {"username": "alice", "password": "another"})

    assert_unauthorized(wrong_name, "authentication_failed")
    assert_unauthorized(wrong_password, "authentication_failed")
    assert wrong_name.content == wrong_password.content


def test_a_deactivated_user_is_answered_like_a_wrong_name(anyone, make_user):
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
        {"username": "x" * 151, "password": "a password"},
        {"username": "alice", "password": "a password", "remember": True},
    ],
    ids=repr,
)
def test_a_login_in_another_shape_is_refused(anyone, alice, body):
    answer = anyone.generic(
        "POST", "/auth/token", json.dumps(body), content_type="application/json"
    )

    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_failed"
    assert OutstandingToken.objects.count() == 0


@pytest.mark.parametrize("path", ["/auth/token/refresh", "/auth/logout"])
@pytest.mark.parametrize(
    "body",
    [{}, [], {"refresh": 5}, {"refresh": None}, {"refresh": ""}, {"refresh": "x", "more": 1}],
    ids=repr,
)
def test_a_refresh_token_in_another_shape_is_refused(anyone, path, body):
    answer = anyone.post(path, body)

    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_failed"


@pytest.mark.parametrize("path", ["/auth/token", "/auth/token/refresh", "/auth/logout"])
def test_a_body_of_more_than_64_kib_is_refused(anyone, path):
    answer = anyone.post(path, {"refresh": "x" * 64 * 1024})

    assert answer.status_code == 413
    assert answer.json()["code"] == "payload_too_large"


def test_the_answer_to_a_login_is_never_stored(anyone, alice, log_in):
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

    answer = refresh(anyone, old["refresh"])

    new = answer.json()
    assert answer.status_code == 200
    assert set(new) == {"access", "refresh"}
    assert new["refresh"] != old["refresh"]
    assert list_accounts(anyone, new["access"]).status_code == 200
    assert refresh(anyone, new["refresh"]).status_code == 200


def test_a_logout_ends_its_refresh_token_and_no_other(anyone, log_in):
    ended, other = log_in(), log_in()

    first = anyone.post("/auth/logout", {"refresh": ended["refresh"]})
    second = anyone.post("/auth/logout", {"refresh": ended["refresh"]})

    assert (first.status_code, first.content) == (204, b"")
    assert (second.status_code, second.content) == (204, b"")
    assert refresh(anyone, other["refresh"]).status_code == 200
    assert_unauthorized(refresh(anyone, ended["refresh"]))


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_no_forged_access_token_opens_the_api(anyone, alice, forge):
    answer = list_accounts(anyone, forge(AccessToken.for_user(alice)))

    assert_unauthorized(answer)


def test_a_token_signed_in_the_right_way_opens_what_a_forged_one_does_not(anyone, alice):
    assert list_accounts(anyone, resigned(AccessToken.for_user(alice))).status_code == 200
    assert refresh(anyone, resigned(RefreshToken.for_user(alice))).status_code == 200


@pytest.mark.parametrize("path", ["/auth/token/refresh", "/auth/logout"])
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_no_forged_refresh_token_works(anyone, alice, path, forge):
    token = RefreshToken.for_user(alice)

    answer = anyone.post(path, {"refresh": forge(token)})

    assert_unauthorized(answer)
    assert refresh(anyone, str(token)).status_code == 200


def test_each_kind_of_token_is_refused_in_the_place_of_the_other(anyone, log_in):
    pair = log_in()

    assert_unauthorized(list_accounts(anyone, pair["refresh"]))
    assert_unauthorized(refresh(anyone, pair["access"]))
    assert_unauthorized(anyone.post("/auth/logout", {"refresh": pair["access"]}))


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "not_authenticated"),
        ("Basic YTpi", "not_authenticated"),
        ("Bearer", "token_not_valid"),
        ("Bearer a b", "token_not_valid"),
        ("Bearer \xe9", "token_not_valid"),
    ],
)
def test_a_header_without_a_token_opens_nothing(anyone, header, code):
    answer = anyone.get("/accounts", headers={"Authorization": header})

    assert_unauthorized(answer, code)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_name_of_the_scheme_may_be_in_any_case(anyone, alice, scheme):
    header = f"{scheme} {AccessToken.for_user(alice)}"

    assert anyone.get("/accounts", headers={"Authorization": header}).status_code == 200


def deactivate(user):
    User.objects.filter(pk=user.pk).update(is_active=False)


def delete(user):
    user.delete()


def change_password(user):
    user.set_password("another password")
    user.save()


@pytest.mark.parametrize("end", [deactivate, delete, change_password])
def test_tokens_end_with_the_user_or_the_password_that_they_were_made_for(
    anyone, alice, log_in, end
):
    pair = log_in()
    assert list_accounts(anyone, pair["access"]).status_code == 200

    end(alice)

    assert_unauthorized(list_accounts(anyone, pair["access"]))
    assert_unauthorized(refresh(anyone, pair["refresh"]))
    assert_unauthorized(anyone.post("/auth/logout", {"refresh": pair["refresh"]}))
    write = anyone.post(
        "/accounts", {"owner_name": "A"}, headers={"Authorization": f"Bearer {pair['access']}"}
    )
    assert_unauthorized(write)
