"""The client-credentials grant, as RFC 6749 describes it."""

from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.scopes import Scope
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.service_keys import services
from ledger_project.service_keys.models import ServiceKey
from ledger_project.service_keys.tests.grants import by_form, each_encoding, in_body, in_header
from ledger_project.service_keys.tests.keys import TOKEN_PATH
from transfers import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(make_key):
    return make_key(Scope.ACCOUNTS_READ, Scope.TRANSFERS_WRITE)


@each_encoding
@pytest.mark.parametrize("way", [in_body, in_header])
def test_a_key_is_exchanged_for_a_token_of_an_hour(anyone, held, send, way):
    answer = way(anyone, send, held)

    assert answer.status_code == 200
    token = answer.json()["access_token"]
    assert answer.json() == {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "accounts:read transfers:write",
    }
    assert (answer["Cache-Control"], answer["Pragma"]) == ("no-store", "no-cache")
    headers = {"Authorization": f"Bearer {token}"}
    assert anyone.get("/accounts", headers=headers).status_code == 200


@each_encoding
def test_the_client_id_may_be_sent_in_the_body_beside_the_header(anyone, held, send):
    answer = in_header(anyone, send, held, client_id=str(held.key.pk))

    assert answer.status_code == 200


def test_the_token_names_the_key_and_its_scopes(anyone, held, alice):
    token = in_body(anyone, by_form, held).json()["access_token"]

    claims = jwt.decode(
        token, settings.SIMPLE_JWT["SIGNING_KEY"], ["HS256"], audience="mini-ledger"
    )
    assert claims.pop("exp") - claims.pop("iat") == 3600
    assert len(claims.pop("jti")) == 32
    assert claims == {
        "aud": "mini-ledger",
        "iss": "mini-ledger",
        "token_type": "access",
        "user_id": str(alice.pk),
        "client_id": str(held.key.pk),
        "scope": "accounts:read transfers:write",
    }


def test_the_operator_sets_the_lifetime_of_tokens(anyone, held, settings):
    settings.SERVICE_TOKEN_MINUTES = 5

    assert in_body(anyone, by_form, held).json()["expires_in"] == 300


def test_no_token_outlives_its_key(anyone, alice):
    key, secret = services.create(
        owner=alice, name="short", scopes=[Scope.ACCOUNTS_READ], expires_in=timedelta(minutes=10)
    )
    grant = {"grant_type": "client_credentials", "client_id": str(key.pk), "client_secret": secret}

    answer = by_form(anyone, grant).json()

    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert 0 < answer["expires_in"] <= 600
    assert claims["exp"] <= key.expires_at.timestamp()


@each_encoding
def test_a_grant_may_ask_for_fewer_scopes_in_any_order(anyone, held, send):
    def scope_for(scope):
        return in_body(anyone, send, held, scope=scope).json()["scope"]

    assert scope_for("transfers:write") == "transfers:write"
    assert scope_for("transfers:write  accounts:read") == "accounts:read transfers:write"
    assert scope_for("") == scope_for(" ") == "accounts:read transfers:write"


@each_encoding
def test_parameters_that_are_not_known_are_ignored(anyone, held, send):
    assert in_body(anyone, send, held, audience="x", resource="y").status_code == 200


def test_a_grant_needs_no_idempotency_key_and_its_response_is_not_stored(anyone, held):
    answers = [anyone.post(TOKEN_PATH, held.grant(), key="k").json() for _ in range(2)]

    assert answers[0]["access_token"] != answers[1]["access_token"]
    assert IdempotencyKey.objects.count() == 0


def test_the_last_use_is_recorded_to_the_minute(anyone, held):
    def last_use():
        return ServiceKey.objects.get(pk=held.key.pk).last_used_at

    start = timezone.now()
    uses = [last_use()]
    for seconds in (0, 59, 60):
        with clock.at(start + timedelta(seconds=seconds)):
            in_body(anyone, by_form, held)
        uses.append(last_use())

    assert uses == [None, start, start, start + timedelta(minutes=1)]


def test_a_second_token_within_a_minute_takes_one_statement(anyone, held):
    in_body(anyone, by_form, held)

    with CaptureQueriesContext(connection) as queries:
        in_body(anyone, by_form, held)

    assert len(queries) == 1
