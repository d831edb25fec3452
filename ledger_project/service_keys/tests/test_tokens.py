"""The claims of a service key's token are checked, and can't be exchanged for those of a person."""

from typing import Any

import jwt
import pytest
from rest_framework_simplejwt.tokens import AccessToken

from api.scopes import Scope
from ledger_project.service_keys.models import ServiceKey
from ledger_project.service_keys.tests.grants import by_form, in_body
from ledger_project.tests.test_odd_tokens import LEFT_OUT, ODD, signed, with_claim

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(make_key):
    return make_key(Scope.ACCOUNTS_READ)


@pytest.fixture
def claims(anyone, held) -> dict[str, Any]:
    token = in_body(anyone, by_form, held).json()["access_token"]
    return jwt.decode(token, options={"verify_signature": False})


@pytest.fixture
def status_of(anyone):
    """Return a function that reads accounts with these claims, and returns the status."""

    def read(claims: dict[str, Any]) -> int:
        headers = {"Authorization": f"Bearer {signed(claims)}"}
        answers = [anyone.get("/accounts", headers=headers) for _ in range(2)]
        assert answers[0].status_code == answers[1].status_code
        return answers[0].status_code

    return read


def test_a_token_signed_by_these_tests_is_accepted(status_of, claims):
    assert status_of(claims) == 200


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("claim", ["client_id", "user_id", "exp", "iat", "jti"])
def test_a_malformed_value_of_any_claim_is_refused(status_of, claims, claim, odd):
    assert status_of(with_claim(claims, claim, odd)) == 401


@pytest.mark.parametrize(
    "odd", [value for name, value in ODD.items() if name not in ("letters", "too long")]
)
def test_a_malformed_scope_is_refused(status_of, claims, odd):
    assert status_of(with_claim(claims, "scope", odd)) == 401


def test_a_scope_that_does_not_exist_allows_nothing(status_of, claims):
    assert status_of({**claims, "scope": "everything"}) == 403


def test_a_token_without_both_claims_of_a_key_needs_those_of_a_person(status_of, claims):
    stripped = with_claim(with_claim(claims, "client_id", LEFT_OUT), "scope", LEFT_OUT)

    assert status_of(stripped) == 401


@pytest.mark.parametrize("claim", ["client_id", "scope"])
def test_the_token_of_a_person_with_a_claim_of_a_key_is_refused(status_of, alice, claims, claim):
    of_person = jwt.decode(str(AccessToken.for_user(alice)), options={"verify_signature": False})

    assert status_of(of_person) == 200
    assert status_of({**of_person, claim: claims[claim]}) == 401


def test_a_key_of_another_user_is_refused(status_of, claims, make_key, bob):
    foreign = make_key(owner=bob)

    assert status_of({**claims, "client_id": str(foreign.key.pk)}) == 401


def test_a_key_that_was_deleted_with_sql_is_refused(status_of, claims, held):
    ServiceKey.objects.filter(pk=held.key.pk).delete()

    assert status_of(claims) == 401
