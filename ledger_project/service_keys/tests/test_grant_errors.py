"""The errors of the client-credentials grant, as RFC 6749 §5.2 describes them."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from accounts.models import Account
from api.scopes import Scope
from ledger_project.service_keys import services
from ledger_project.service_keys.models import ServiceKey
from ledger_project.service_keys.tests.grants import (
    FORM,
    basic,
    by_form,
    by_json,
    each_encoding,
    in_body,
)
from ledger_project.service_keys.tests.keys import TOKEN_PATH, client_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(make_key):
    return make_key(Scope.ACCOUNTS_READ, Scope.TRANSFERS_WRITE)


def assert_refused(answer, status, error):
    problem = answer.json()
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert (problem["code"], problem["error"]) == (error, error)
    assert problem["error_description"] == problem["detail"]
    assert problem["detail"].isascii()
    assert not set(problem["detail"]) & set('"\\')
    assert answer["Cache-Control"] == "no-store"
    if status == 401:
        assert answer["WWW-Authenticate"] == 'Basic realm="api"'


@pytest.mark.parametrize("missing", ["grant_type", "client_id", "client_secret"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_parameter_is_an_invalid_request(anyone, held, missing, value):
    answer = in_body(anyone, by_form, held, **{missing: value})

    assert_refused(answer, 400, "invalid_request")


def test_json_without_a_grant_type_is_a_login(anyone, held):
    answer = in_body(anyone, by_json, held, grant_type=None)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "grant_type=client_credentials&grant_type=client_credentials",
        "grant_type=client_credentials&client_id=%ff",
        "grant_type=é",
        "&".join(f"p{number}=1" for number in range(30)),
    ],
)
def test_a_malformed_form_is_an_invalid_request(anyone, body):
    assert_refused(by_form(anyone, body), 400, "invalid_request")


# Requests of which the service doesn't know whether they are a grant or a login.
UNREADABLE = {
    "not JSON": ("application/json", b"{", 400, "malformed_json"),
    "quotation marks": ("application/json", b'{"a": "\\x"}', 400, "malformed_json"),
    "not UTF-8": ("application/json", b'"\xff"', 400, "malformed_json"),
    "a member twice": (
        "application/json",
        b'{"grant_type":"client_credentials","grant_type":"client_credentials"}',
        400,
        "malformed_json",
    ),
    "deep": ("application/json", b"[" * 20_000, 400, "malformed_json"),
    "text": ("text/plain", b"grant_type=client_credentials", 415, "unsupported_media_type"),
    "multipart": ("multipart/form-data; boundary=b", b"--b--", 415, "unsupported_media_type"),
    "no type": ("", b"grant_type=client_credentials", 415, "unsupported_media_type"),
    "large JSON": ("application/json", b" " * 70_000, 413, "payload_too_large"),
    "a large form": (FORM, b"a=" + b"b" * 70_000, 413, "payload_too_large"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_request_that_cannot_be_read_is_an_invalid_request_to_oauth_clients(anyone, name):
    media_type, body, status, code = UNREADABLE[name]

    answer = anyone.generic("POST", TOKEN_PATH, body, content_type=media_type)

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["error"]) == (
        status,
        code,
        "invalid_request",
    )
    assert problem["error_description"] == problem["detail"].replace('"', "'").replace("\\", "/")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("?scope=x", {}, 422),
        ("", {"Content-Encoding": "gzip"}, 415),
        ("", {"Accept": "text/html"}, 406),
    ],
)
def test_a_grant_that_is_refused_as_any_request_is_an_invalid_request_too(
    anyone, held, path, headers, status
):
    answer = anyone.generic(
        "POST", TOKEN_PATH + path, urlencode(held.grant()), content_type=FORM, headers=headers
    )

    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")


@pytest.mark.parametrize("body", [{}, {"username": "x"}, {"username": "x", "password": "y"}])
def test_the_errors_of_a_login_are_not_those_of_a_grant(anyone, body):
    assert "error" not in by_json(anyone, body).json()


def test_a_form_with_too_many_parameters_says_so(anyone):
    answer = by_form(anyone, "&".join(f"p{number}=1" for number in range(21)))

    assert answer.json()["detail"] == "Send at most 20 parameters."


@pytest.mark.parametrize("value", [5, None, True, ["x"], {"a": "b"}])
@pytest.mark.parametrize("name", ["grant_type", "client_id", "client_secret", "scope"])
def test_a_json_parameter_that_is_not_a_string_is_an_invalid_request(anyone, held, name, value):
    answer = by_json(anyone, held.grant() | {name: value})

    assert_refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("grant_type", ["password", "refresh_token", "CLIENT_CREDENTIALS", "é\0"])
@each_encoding
def test_another_grant_type_is_unsupported(anyone, held, send, grant_type):
    answer = in_body(anyone, send, held, grant_type=grant_type)

    assert_refused(answer, 400, "unsupported_grant_type")


@pytest.mark.parametrize(
    "scope", ["cash:write", "accounts:read cash:write", "everything", "accounts:read,cash:write"]
)
@each_encoding
def test_a_scope_that_the_key_lacks_is_invalid(anyone, held, send, scope):
    assert_refused(in_body(anyone, send, held, scope=scope), 400, "invalid_scope")


@pytest.mark.parametrize(
    "secret", ["lsk_wrong", "x", "lsk_" + "é" * 10, "\0", "x" * 10_000, "\ud800"], ids=ascii
)
def test_a_wrong_secret_is_an_invalid_client(anyone, held, secret):
    assert_refused(in_body(anyone, by_json, held, client_secret=secret), 401, "invalid_client")


@pytest.mark.parametrize(
    "client_id", ["019b8d7d-f1c0-7000-8000-000000000001", "1", "{}", "\0", "é", "demo"]
)
def test_an_unknown_client_id_gets_the_same_response_as_a_wrong_secret(anyone, held, client_id):
    unknown = in_body(anyone, by_json, held, client_id=client_id)
    wrong = in_body(anyone, by_json, held, client_secret="wrong")

    assert_refused(unknown, 401, "invalid_client")
    assert unknown.content == wrong.content


def test_a_client_id_that_may_be_a_secret_is_not_logged(anyone, held, caplog):
    in_body(anyone, by_json, held, client_id=held.secret, client_secret=str(held.key.pk))

    [line] = [record.msg for record in caplog.records if record.name == "ledger.service_keys"]
    assert (line["client_id"], line["reason"]) == (None, "there is no such key")
    assert line["client"] == "127.0.0.1"
    assert held.secret not in caplog.text


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic YQ", "basic YTpi", "Basic /w=="])
def test_invalid_credentials_in_the_header_are_an_invalid_client(anyone, held, header):
    answer = by_form(anyone, {"grant_type": "client_credentials"}, Authorization=header)

    assert_refused(answer, 401, "invalid_client")


@pytest.mark.parametrize(
    "more", [{"client_secret": "x"}, {"client_id": "019b8d7d-f1c0-7000-8000-000000000001"}]
)
def test_credentials_both_in_the_header_and_in_the_body_are_an_invalid_request(anyone, held, more):
    grant = {"grant_type": "client_credentials", **more}

    answer = by_form(anyone, grant, **basic(str(held.key.pk), held.secret))

    assert_refused(answer, 400, "invalid_request")


def revoke(key):
    services.revoke(client_id=key.pk, actor=key.owner, reason="")


def expire(key):
    past = timezone.now() - timedelta(days=1)
    ServiceKey.objects.filter(pk=key.pk).update(
        created_at=past - timedelta(days=1), expires_at=past
    )


def deactivate_owner(key):
    User.objects.filter(pk=key.owner_id).update(is_active=False)


REASONS = {revoke: "revoked", expire: "expired", deactivate_owner: "owner deactivated"}


@pytest.mark.parametrize("end", REASONS)
def test_a_key_that_has_ended_gets_the_same_response_as_a_wrong_secret(anyone, held, end, caplog):
    wrong = in_body(anyone, by_form, held, client_secret="wrong")
    end(held.key)

    ended = in_body(anyone, by_form, held)

    assert_refused(ended, 401, "invalid_client")
    assert ended.content == wrong.content
    assert held.secret not in caplog.text
    reasons = [
        record.msg["reason"] for record in caplog.records if record.name == "ledger.service_keys"
    ]
    assert reasons == ["the secret is wrong", REASONS[end]]


def test_a_changed_password_does_not_end_the_keys_of_its_user(alice, held):
    client = client_with(held)
    alice.set_password("another password")
    alice.save()

    assert client.get("/accounts").status_code == 200
    assert client_with(held).get("/accounts").status_code == 200


def test_the_token_of_a_key_is_not_a_refresh_token(anyone, held):
    token = in_body(anyone, by_form, held).json()["access_token"]

    answers = [
        anyone.post(path, {"refresh": token}) for path in ("/auth/token/refresh", "/auth/logout")
    ]

    assert [answer.json()["code"] for answer in answers] == ["token_not_valid"] * 2


def test_a_login_with_a_password_ignores_a_basic_header(anyone, alice):
    body = {"username": "alice", "password": "a password"}

    answer = by_json(anyone, body, **basic("x", "y"))

    assert (answer.status_code, set(answer.json())) == (200, {"access", "refresh"})


@pytest.mark.parametrize("path", ["/auth/token/refresh", "/auth/logout", "/accounts"])
def test_no_other_route_takes_a_form(api, path):
    answer = api.generic("POST", path, "a=b", content_type=FORM, headers={"Idempotency-Key": "k"})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert not Account.objects.customers().exists()
