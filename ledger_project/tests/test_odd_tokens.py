"""Tokens with malformed claims and a valid signature are 401, and never 500."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jwt.algorithms import HMACAlgorithm
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.models import Account
from ledger_project.idempotency.models import IdempotencyKey

pytestmark = pytest.mark.django_db

LEFT_OUT = object()

# Values that this service writes for neither numbers nor strings.
ODD = {
    "left out": LEFT_OUT,
    "null": None,
    "true": True,
    "negative": -1,
    "more than 63 bits": 2**63,
    "huge": 10**30,
    "a huge float": 1e300,
    "no number": float("nan"),
    "infinite": float("inf"),
    "minus infinite": -float("inf"),
    "empty": "",
    "letters": "abc",
    "exponent": "1e3",
    "decimal": "1.0",
    "signed": "+1",
    "spaced": " 1",
    "leading zero": "01",
    "underscore": "1_0",
    "Arabic digit": "\u0661",
    "too many digits": "9" * 30,
    "too many for 32 bits": "2147483648",
    "NUL": "1\0",
    "too long": "x" * 256,
    "list": [1],
    "object": {"id": 1},
}
CLAIMS = ["user_id", "exp", "iat", "jti", "token_type", "hash_password", "iss", "aud"]


Use = Callable[[str], HttpResponse]

# Every use of a token: the path, and the type of token that it needs.
READ, WRITE, REFRESH, LOG_OUT = "GET /accounts", "POST /accounts", "/auth/token/refresh", "/logout"
KINDS = {READ: AccessToken, WRITE: AccessToken, REFRESH: RefreshToken, LOG_OUT: RefreshToken}
WORKED = {READ: 200, WRITE: 201, REFRESH: 200, LOG_OUT: 204}


@pytest.fixture(params=KINDS)
def way(request) -> str:
    return request.param


@pytest.fixture
def use(client_for, way) -> Use:
    """Return a function that sends a token in this way."""
    anyone = client_for(None)

    def use_token(token: str) -> HttpResponse:
        headers = {"Authorization": f"Bearer {token}"}
        if way == READ:
            return anyone.get("/accounts", headers=headers)
        if way == WRITE:
            return anyone.post("/accounts", {"owner_name": "A"}, headers=headers)
        path = "/auth/token/refresh" if way == REFRESH else "/auth/logout"
        return anyone.post(path, {"refresh": token})

    return use_token


@pytest.fixture
def claims(alice, way) -> dict[str, Any]:
    """The claims of an encoded, valid token of the type that this way needs."""
    return jwt.decode(str(KINDS[way].for_user(alice)), options={"verify_signature": False})


def signed(claims: Any) -> str:
    """Sign any JSON value as claims. PyJWT would only sign an object."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    content = ".".join(encoded(part) for part in parts)
    key = settings.SIMPLE_JWT["SIGNING_KEY"].encode()
    return f"{content}.{encoded(HMACAlgorithm(HMACAlgorithm.SHA256).sign(content.encode(), key))}"


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def with_claim(claims: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    changed = claims | {name: value}
    return {name: value for name, value in changed.items() if value is not LEFT_OUT}


def assert_refused(response: HttpResponse) -> None:
    assert (response.status_code, response.json()["code"]) == (401, "token_not_valid")
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_valid_token_signed_by_these_tests_is_accepted(use, way, claims):
    assert use(signed(claims)).status_code == WORKED[way]


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_malformed_value_of_any_claim_is_refused(use, claims, odd):
    for claim in CLAIMS:
        assert_refused(use(signed(with_claim(claims, claim, odd))))

    assert Account.objects.customers().count() == 0
    assert IdempotencyKey.objects.count() == 0
    assert BlacklistedToken.objects.count() == 0


@pytest.mark.parametrize("payload", [None, True, 5, "text", [], [{}], float("nan")], ids=repr)
def test_claims_that_are_not_an_object_are_refused(use, payload):
    assert_refused(use(signed(payload)))


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b'{"a":1,}', b"[" * 2800], ids=repr)
@pytest.mark.parametrize("place", ["header", "claims"])
def test_a_part_that_is_not_json_is_refused(use, payload, place):
    good = encoded(b'{"alg":"HS256","typ":"JWT"}')
    parts = [encoded(payload), good] if place == "header" else [good, encoded(payload)]

    assert_refused(use(".".join([*parts, encoded(b"x" * 32)])))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text(max_size=40)
    | st.from_regex(r"[0-9+\-. _e]{1,20}", fullmatch=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@hypothesis_settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=st.dictionaries(st.sampled_from([*CLAIMS, "nbf", "sub"]), JSON, min_size=1))
def test_a_token_with_any_claims_is_accepted_or_refused_and_never_a_500(use, way, claims, changes):
    response = use(signed(claims | changes))

    assert response.status_code in (WORKED[way], 401)


@pytest.mark.parametrize(("ahead", "refused"), [(2, False), (3600, True)], ids=["a bit", "an hour"])
@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_the_issuers_clock_may_be_a_few_seconds_ahead(use, way, claims, claim, ahead, refused):
    issued = int(timezone.now().timestamp()) + ahead

    response = use(signed(claims | {claim: issued}))

    assert response.status_code == (401 if refused else WORKED[way])


def test_the_leeway_does_not_extend_the_lifetime_of_a_token(use, claims):
    over = int(timezone.now().timestamp()) - 1

    assert_refused(use(signed(claims | {"exp": over})))
