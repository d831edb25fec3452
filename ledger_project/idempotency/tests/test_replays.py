"""A second request with the same key gets the first response, byte for byte, or an error."""

import uuid

import pytest
from rest_framework.response import Response
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import Account
from ledger_project.idempotency.models import IdempotencyKey
from transfers.models import Transfer

pytestmark = pytest.mark.django_db


def post_raw(client, path, body, key):
    return client.generic(
        "POST", path, body, content_type="application/json", headers={"Idempotency-Key": key}
    )


# The headers that differ between two responses.
OWN = {"X-Request-ID", "Idempotent-Replayed"}


def outcome(answer):
    headers = {name: value for name, value in answer.items() if name not in OWN}
    return answer.status_code, headers, answer.content


def test_a_retry_gets_the_same_bytes_and_moves_no_money(api, alice, funded_account):
    source, dest = funded_account(alice, 100), funded_account(alice)
    body = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk), "amount": 30}

    first = api.post("/transfers", body, key="k")
    second = api.post("/transfers", body, key="k")

    assert first.status_code == 201
    assert first["Location"] == f"/transfers/{first.json()['id']}"
    assert first.has_header("Idempotent-Replayed") is False
    assert outcome(second) == outcome(first)
    assert second["Idempotent-Replayed"] == "true"
    source.refresh_from_db()
    assert (source.balance, source.version) == (70, 2)


def test_a_replay_has_a_new_request_id(api):
    first = api.post("/accounts", {"owner_name": "Alice"}, key="k")
    second = api.post("/accounts", {"owner_name": "Alice"}, key="k")

    assert second["Idempotent-Replayed"] == "true"
    assert second["X-Request-ID"] != first["X-Request-ID"]


def test_a_replayed_response_shows_the_balance_of_the_first_time(api, alice, funded_account):
    account = funded_account(alice)
    path = f"/accounts/{account.pk}/deposit"
    first = api.post(path, {"amount": 5}, key="k")
    api.post(path, {"amount": 7})

    again = api.post(path, {"amount": 5}, key="k")

    assert again.content == first.content
    assert again.json()["balance"] == 5


def test_a_patch_is_replayed_too(api, alice, funded_account):
    account = funded_account(alice)
    first = api.patch(f"/accounts/{account.pk}", {"owner_name": "Alicia"}, key="k")
    api.patch(f"/accounts/{account.pk}", {"owner_name": "Alison"})

    again = api.patch(f"/accounts/{account.pk}", {"owner_name": "Alicia"}, key="k")

    assert outcome(again) == outcome(first)
    account.refresh_from_db()
    assert account.owner_name == "Alison"


def test_non_ascii_characters_are_replayed_byte_for_byte(api):
    name = "Zoë 🦊 \u2028 \x01"

    first = api.post("/accounts", {"owner_name": name}, key="k")
    second = api.post("/accounts", {"owner_name": name}, key="k")

    assert first.json()["owner_name"] == name
    assert second.content == first.content


def test_only_content_type_and_location_are_replayed(api, serve):
    path = serve(lambda request: Response({}, headers={"X-Once": "1", "Location": "/there"}))

    first, second = api.post(path, key="k"), api.post(path, key="k")

    assert (first["X-Once"], first["Location"]) == ("1", "/there")
    assert (second.has_header("X-Once"), second["Location"]) == (False, "/there")


@pytest.mark.parametrize(
    "body",
    [
        b'{"owner_name":"Alice","metadata":{"b":"2","a":"1"}}',
        b'{ "metadata" : {\n"a": "1", "b": "2"\t}, "owner_name": "Alice"}\r\n',
        b'{"metadata":{"a":"1","b":"2"},"owner_name":"\\u0041lice"}',
    ],
    ids=["order of members", "whitespace", "escapes"],
)
def test_the_formatting_of_a_json_body_does_not_matter(api, body):
    written = b'{"owner_name":"Alice","metadata":{"a":"1","b":"2"}}'
    first = post_raw(api, "/accounts", written, "k")

    second = post_raw(api, "/accounts", body, "k")

    assert first.status_code == 201
    assert second.content == first.content
    assert second["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount":2}',
        b'{"amount":1.0}',
        b'{"amount":"1"}',
        b'{"amount":true}',
        b'{"amount":1,"memo":null}',
        b"{}",
        b"null",
        b"",
        b"{",
    ],
)
def test_another_body_under_the_same_key_is_refused(api, alice, funded_account, body):
    account = funded_account(alice)
    path = f"/accounts/{account.pk}/deposit"
    post_raw(api, path, b'{"amount":1}', "k")

    answer = post_raw(api, path, body, "k")

    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "idempotency_key_reused"
    assert answer.has_header("Idempotent-Replayed") is False
    account.refresh_from_db()
    assert account.balance == 1


def test_the_order_of_an_array_matters(api, serve):
    path = serve(lambda request: Response({}))
    post_raw(api, path, b"[1,2]", "k")

    answer = post_raw(api, path, b"[2,1]", "k")

    assert answer.json()["code"] == "idempotency_key_reused"


def test_another_path_under_the_same_key_is_refused(api, alice, funded_account):
    mine, other = funded_account(alice), funded_account(alice)
    api.post(f"/accounts/{mine.pk}/deposit", {"amount": 5}, key="k")

    same_route = api.post(f"/accounts/{other.pk}/deposit", {"amount": 5}, key="k")
    other_route = api.post(f"/accounts/{mine.pk}/withdraw", {"amount": 5}, key="k")
    with_query = api.post(f"/accounts/{mine.pk}/deposit?a=1", {"amount": 5}, key="k")

    codes = [answer.json()["code"] for answer in (same_route, other_route, with_query)]
    assert codes == ["idempotency_key_reused"] * 3
    assert Transfer.objects.filter(created_by=alice).count() == 1


def test_another_method_under_the_same_key_is_refused(api, serve):
    path = serve(
        lambda request: Response({}), patch=lambda self, request: Response({"patched": True})
    )
    api.post(path, {}, key="k")

    answer = api.patch(path, {}, key="k")

    assert answer.status_code == 409
    assert answer.json()["code"] == "idempotency_key_reused"


def test_two_users_may_use_the_same_key(client_for, alice, bob):
    mine = client_for(alice).post("/accounts", {"owner_name": "Alice"}, key="k")
    theirs = client_for(bob).post("/accounts", {"owner_name": "Bob"}, key="k")

    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert theirs.json()["owner_name"] == "Bob"
    assert Account.objects.get(pk=theirs.json()["id"]).owner == bob
    assert IdempotencyKey.objects.filter(key="k").count() == 2


def test_a_new_token_of_the_same_user_sees_the_same_keys(client_for, alice):
    first = client_for(alice).post("/accounts", {"owner_name": "Alice"}, key="k")
    refreshed = client_for(None)
    refreshed.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(alice)}")

    again = refreshed.post("/accounts", {"owner_name": "Alice"}, key="k")

    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"


def test_case_matters_in_a_key(api):
    first = api.post("/accounts", {"owner_name": "Alice"}, key="abc")
    second = api.post("/accounts", {"owner_name": "Alice"}, key="ABC")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


def test_a_deactivated_user_gets_no_replay(api, alice):
    api.post("/accounts", {"owner_name": "Alice"}, key="k")
    alice.is_active = False
    alice.save()

    answer = api.post("/accounts", {"owner_name": "Alice"}, key="k")

    assert answer.status_code == 401
    assert answer.has_header("Idempotent-Replayed") is False


def test_a_request_is_not_repeated_after_its_response_was_purged(api, alice, funded_account):
    account = funded_account(alice)
    path = f"/accounts/{account.pk}/deposit"
    api.post(path, {"amount": 5}, key="k")
    IdempotencyKey.objects.update(response_body=None)

    again = api.post(path, {"amount": 5}, key="k")
    other = api.post(path, {"amount": 6}, key="k")

    assert (again.status_code, again.json()["code"]) == (409, "idempotency_key_expired")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    account.refresh_from_db()
    assert account.balance == 5


def test_a_batch_is_replayed_in_its_order(api, alice, funded_account):
    source, dest = funded_account(alice, 100), funded_account(alice)
    order = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk)}
    body = {"transfers": [{**order, "amount": amount} for amount in (3, 1, 2)]}

    first = api.post("/transfers/batch", body, key=str(uuid.UUID(int=1)))
    second = api.post("/transfers/batch", body, key=str(uuid.UUID(int=1)))

    assert [each["amount"] for each in first.json()["transfers"]] == [3, 1, 2]
    assert outcome(second) == outcome(first)
