"""Which requests need an idempotency key, and which keys are valid."""

import pytest
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from accounts.models import Account
from ledger_project.idempotency.models import IdempotencyKey

pytestmark = pytest.mark.django_db

OPENING = b'{"owner_name": "Alice"}'


def post(client, path="/accounts", body=OPENING, **headers):
    return client.generic("POST", path, body, content_type="application/json", headers=headers)


def test_a_write_without_a_key_is_refused_and_changes_nothing(api):
    answer = post(api)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "idempotency_key_missing"
    assert Account.objects.customers().count() == 0


@pytest.mark.parametrize(
    ("method", "suffix"),
    [
        ("PATCH", ""),
        ("POST", "/deposit"),
        ("POST", "/withdraw"),
        ("POST", "/close"),
        ("POST", "/freeze"),
        ("POST", "/unfreeze"),
    ],
)
def test_every_write_to_an_account_needs_a_key(
    staff, alice, client_for, funded_account, method, suffix
):
    account = funded_account(alice)

    answer = client_for(staff).generic(
        method, f"/accounts/{account.pk}{suffix}", b"{}", content_type="application/json"
    )

    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_missing"


@pytest.mark.parametrize(
    "path",
    [
        "/transfers",
        "/transfers/batch",
        "/transfers/00000000-0000-7000-8000-000000000000/capture",
        "/transfers/00000000-0000-7000-8000-000000000000/void",
        "/transfers/00000000-0000-7000-8000-000000000000/reverse",
    ],
)
def test_every_write_to_transfers_needs_a_key(api, path):
    answer = post(api, path)

    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_missing"


@pytest.mark.parametrize(
    "key",
    [
        "",
        '""',
        "two words",
        "one,two",
        "x" * 256,
        '"' + "x" * 256 + '"',
        "tab\tinside",
        '""abc""',
        '"a"b"',
        r'"a\"b"',
        r'"a\b"',
        '"',
        '"ab',
        '"ab";q=1',
        '"ab"c',
        '"ab";',
        "k\xe9y",
        "\x7f",
    ],
)
def test_a_malformed_key_is_refused_and_changes_nothing(api, key):
    answer = post(api, **{"Idempotency-Key": key})

    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_invalid"
    assert Account.objects.customers().count() == 0


@pytest.mark.parametrize(
    "key", ["x", "x" * 255, "!\"#$%&'()*+-./0:;<=>?@A[\\]^_`a{|}~", '"' + "x" * 255 + '"']
)
def test_a_key_of_up_to_255_visible_ascii_characters_is_accepted(api, key):
    answer = post(api, **{"Idempotency-Key": key})

    assert answer.status_code == 201


def test_a_key_in_quotation_marks_is_the_same_key(api):
    first = post(api, **{"Idempotency-Key": "abc"})
    second = post(api, **{"Idempotency-Key": '"abc"'})

    assert second.status_code == 201
    assert second["Idempotent-Replayed"] == "true"
    assert second.content == first.content
    assert IdempotencyKey.objects.get().key == "abc"


@pytest.mark.parametrize("path", ["/accounts", "/transfers", "/openapi.json", "/healthz"])
def test_a_read_needs_no_key(api, path):
    answer = api.get(path)

    assert answer.status_code == 200


def test_a_read_ignores_a_key(api):
    answers = [api.get("/accounts", headers={"Idempotency-Key": "two words"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert IdempotencyKey.objects.count() == 0


def test_the_token_routes_need_no_key(alice, client_for):
    login = post(client_for(None), "/auth/token", b'{"username":"alice","password":"a password"}')

    assert login.status_code == 200


def test_a_view_requires_a_key_by_default(api, serve):
    calls = []

    answer = post(api, serve(lambda request: calls.append(request)))

    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency_key_missing"
    assert calls == []


def test_a_view_with_idempotency_exempt_needs_no_key(api, serve):
    path = serve(lambda request: Response({"done": True}), idempotency_exempt=True)

    answers = [post(api, path, **{"Idempotency-Key": "k"}) for _ in range(2)]

    assert [answer.json() for answer in answers] == [{"done": True}] * 2
    assert [answer.has_header("Idempotent-Replayed") for answer in answers] == [False, False]
    assert IdempotencyKey.objects.count() == 0


@pytest.mark.parametrize("path", ["/accounts", "/transfers/batch", "/served"])
def test_a_missing_token_is_refused_before_a_missing_key(client_for, serve, path):
    serve(lambda request: Response())

    answer = post(client_for(None), path)

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer.json()["code"] == "not_authenticated"


def test_a_view_without_an_authenticated_user_is_not_run(client_for, serve):
    calls = []
    path = serve(
        lambda request: calls.append(request), authentication_classes=[SessionAuthentication]
    )

    answer = post(client_for(None), path, **{"Idempotency-Key": "k"})

    assert answer.status_code == 401
    assert calls == []


@pytest.mark.parametrize(
    "path",
    ["/accounts/00000000-0000-7000-8000-000000000000", "/idempotency-keys/abc"],
    ids=["a viewset", "a plain view"],
)
def test_an_unsupported_method_is_refused_before_a_missing_key(api, path):
    without, with_one = post(api, path), post(api, path, **{"Idempotency-Key": "k"})

    assert [answer.status_code for answer in (without, with_one)] == [405, 405]
    assert with_one.json()["code"] == "method_not_allowed"
    assert IdempotencyKey.objects.count() == 0


def test_an_unknown_url_is_404_before_anything_else(client_for):
    answer = post(client_for(None), "/nowhere")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_an_invalid_key_is_refused_before_an_invalid_body(api):
    missing = post(api, body=b"{")
    invalid = post(api, body=b"{", **{"Idempotency-Key": "two words"})

    assert missing.json()["code"] == "idempotency_key_missing"
    assert invalid.json()["code"] == "idempotency_key_invalid"


def test_a_400_of_the_view_leaves_the_key_unused(api, serve):
    def refuse(request):
        raise ParseError("Not like this.")

    answer = post(api, serve(refuse), **{"Idempotency-Key": "k"})

    assert answer.status_code == 400
    assert IdempotencyKey.objects.count() == 0
