"""What an access token opens, and which tokens open nothing."""

import jwt
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from ledger_project.tests.tokens import assert_unauthorized, list_accounts, refresh

pytestmark = [
    pytest.mark.django_db,
    # A forger may well sign with a key that is too short.
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
]


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


def test_a_token_that_was_good_is_refused_once_its_time_is_over(anyone, alice):
    now, token = int(timezone.now().timestamp()), AccessToken.for_user(alice)

    before = list_accounts(anyone, resigned(token, exp=now + 60 * 60))
    after = list_accounts(anyone, resigned(token, exp=now))

    assert before.status_code == 200
    assert_unauthorized(after)


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
