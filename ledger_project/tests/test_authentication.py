"""Which access and refresh tokens are accepted, and which are refused."""

import jwt
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from ledger_project.tests.tokens import assert_unauthorized, list_accounts, refresh

pytestmark = [
    pytest.mark.django_db,
    # Forged tokens may be signed with a short key.
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
]


def resigned(token, key=settings.SIMPLE_JWT["SIGNING_KEY"], algorithm="HS256", **changes):
    """Return the token, signed again with changed claims (None: removed)."""
    # From the encoded token, because encoding adds the issuer and the audience.
    claims = jwt.decode(str(token), options={"verify_signature": False}) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm)


# Functions that make an invalid token from a valid one.
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


def test_a_token_that_was_accepted_before_is_refused_after_it_expires(anyone, alice):
    now, token = int(timezone.now().timestamp()), AccessToken.for_user(alice)

    before = list_accounts(anyone, resigned(token, exp=now + 60 * 60))
    after = list_accounts(anyone, resigned(token, exp=now))

    assert before.status_code == 200
    assert_unauthorized(after)


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_access_token_is_refused(anyone, alice, forge):
    response = list_accounts(anyone, forge(AccessToken.for_user(alice)))

    assert_unauthorized(response)


def test_a_token_signed_with_the_right_key_is_accepted(anyone, alice):
    assert list_accounts(anyone, resigned(AccessToken.for_user(alice))).status_code == 200
    assert refresh(anyone, resigned(RefreshToken.for_user(alice))).status_code == 200


@pytest.mark.parametrize("path", ["/auth/token/refresh", "/auth/logout"])
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_refresh_token_is_refused(anyone, alice, path, forge):
    token = RefreshToken.for_user(alice)

    response = anyone.post(path, {"refresh": forge(token)})

    assert_unauthorized(response)
    assert refresh(anyone, str(token)).status_code == 200


def test_an_access_token_and_a_refresh_token_are_not_interchangeable(anyone, log_in):
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
def test_an_authorization_header_without_a_token_is_refused(anyone, header, code):
    response = anyone.get("/accounts", headers={"Authorization": header})

    assert_unauthorized(response, code)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_authorization_scheme_is_case_insensitive(anyone, alice, scheme):
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
def test_tokens_are_invalid_after_the_user_or_the_password_has_changed(anyone, alice, log_in, end):
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
