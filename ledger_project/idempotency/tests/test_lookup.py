"""The look-up of a stored response by its key."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from rest_framework.response import Response

from api.tests.contract import assert_problem
from ledger_project.idempotency.models import IdempotencyKey

pytestmark = pytest.mark.django_db


def test_a_stored_response_is_found_by_its_key_with_its_body_as_json(api):
    answer = api.post("/accounts", {"owner_name": "Alice"}, key="k")
    IdempotencyKey.objects.update(created_at=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC))

    found = api.get("/idempotency-keys/k")

    assert found.status_code == 200
    assert found["Content-Type"] == "application/json"
    assert found.json() == {
        "key": "k",
        "method": "POST",
        "path": "/accounts",
        "created_at": "2026-01-02T03:04:05.000678Z",
        "response_status": 201,
        "response_body": answer.json(),
    }


def test_a_stored_error_is_found_too(api, alice, funded_account):
    account = funded_account(alice)
    refusal = api.post(f"/accounts/{account.pk}/withdraw", {"amount": 1}, key="k")

    found = api.get("/idempotency-keys/k").json()

    assert found["response_status"] == 409
    assert found["response_body"] == refusal.json()


def test_an_unused_key_is_not_found(api):
    answer = api.get("/idempotency-keys/k")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "idempotency_key_not_found"


@pytest.mark.parametrize(
    "key", ["%00", "a%00b", "a%20b", "a,b", "k" * 256, "%22%22", "%22%22abc%22%22"]
)
def test_an_invalid_key_is_not_found(api, key):
    assert_problem(api.get(f"/idempotency-keys/{key}"), 404, "idempotency_key_not_found")


def test_a_request_whose_response_was_not_stored_is_not_found(api):
    api.post("/accounts", {"owner_name": 5}, key="k")

    answer = api.get("/idempotency-keys/k")

    assert answer.status_code == 404


def test_the_key_of_another_user_is_not_found_even_by_staff(client_for, alice, bob, staff):
    client_for(alice).post("/accounts", {"owner_name": "Alice"}, key="k")

    answers = [client_for(user).get("/idempotency-keys/k") for user in (bob, staff)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert [answer.json()["code"] for answer in answers] == ["idempotency_key_not_found"] * 2


def test_two_users_with_the_same_key_each_find_their_own_response(client_for, alice, bob):
    for user in (alice, bob):
        client_for(user).post("/accounts", {"owner_name": user.username}, key="k")

    names = [
        client_for(user).get("/idempotency-keys/k").json()["response_body"]["owner_name"]
        for user in (alice, bob)
    ]

    assert names == ["alice", "bob"]


def test_a_look_up_without_a_token_is_refused(client_for):
    answer = client_for(None).get("/idempotency-keys/k")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


VISIBLE = [chr(code) for code in range(0x21, 0x7F) if chr(code) != ","]
# Without the quotation mark, which would begin a quoted string.
PLAIN = [letter for letter in VISIBLE if letter != '"']
KEYS = ["a/b", "?a=b", "#a", "%2F", "%2e%2E", "a/", "//", "..", "./a", *PLAIN, 'a"', 'a"b']


@pytest.mark.parametrize("key", [*KEYS, "".join(VISIBLE)])
def test_every_key_is_found_by_its_percent_encoded_form(api, key):
    sent = api.post("/accounts", {"owner_name": "Alice"}, key=key)

    found = api.get("/idempotency-keys/" + quote(key, safe=""))

    assert sent.status_code == 201
    assert found.status_code == 200
    assert found.json()["key"] == key
    assert found.json()["response_body"] == sent.json()


@pytest.mark.parametrize("sent", ["abc", '"abc"'])
@pytest.mark.parametrize("looked_up", ["abc", "%22abc%22", '"abc"'])
def test_a_key_is_found_with_and_without_its_quotation_marks(api, sent, looked_up):
    api.post("/accounts", {"owner_name": "Alice"}, key=sent)

    found = api.get(f"/idempotency-keys/{looked_up}")

    assert (found.status_code, found.json()["key"]) == (200, "abc")


def test_a_key_in_upper_case_is_another_key(api):
    api.post("/accounts", {"owner_name": "Alice"}, key="abc")

    assert_problem(api.get("/idempotency-keys/ABC"), 404, "idempotency_key_not_found")


def test_the_body_is_null_after_a_purge(api):
    api.post("/accounts", {"owner_name": "Alice"}, key="k")
    IdempotencyKey.objects.update(response_body=None)

    found = api.get("/idempotency-keys/k")

    assert found.status_code == 200
    assert found.json()["response_status"] == 201
    assert found.json()["response_body"] is None


def test_a_response_without_a_body_is_replayed_and_found(api, serve):
    path = serve(lambda request: Response(status=204))
    first, second = api.post(path, key="k"), api.post(path, key="k")

    found = api.get("/idempotency-keys/k")

    assert (first.status_code, second.status_code) == (204, 204)
    assert second.content == b""
    assert found.status_code == 200
    assert found.json()["response_body"] is None


def test_a_query_parameter_of_the_look_up_is_refused(api):
    api.post("/accounts", {"owner_name": "Alice"}, key="k")

    answer = api.get("/idempotency-keys/k?verbose=1")

    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_failed"
