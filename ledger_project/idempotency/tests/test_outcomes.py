"""Which responses are stored with their key, and which leave the key unused."""

import uuid

import pytest
from rest_framework.exceptions import NotAcceptable, Throttled
from rest_framework.response import Response

from accounts import services as account_services
from accounts.exceptions import AccountFrozen
from accounts.models import Account
from ledger_project.idempotency.models import IdempotencyKey
from transfers import services

pytestmark = pytest.mark.django_db


def transfer_of(source, dest_id, amount):
    return {
        "source_account_id": str(source.pk),
        "dest_account_id": str(dest_id),
        "amount": amount,
    }


def test_a_successful_response_is_stored_with_its_key(api, alice):
    answer = api.post("/accounts", {"owner_name": "Alice"}, key="k")

    kept = IdempotencyKey.objects.get()
    assert (kept.user, kept.key, kept.method, kept.path) == (alice, "k", "POST", "/accounts")
    assert kept.response_status == 201
    assert kept.response_body.encode() == answer.content
    assert kept.response_headers == {
        "Content-Type": "application/json",
        "Location": answer["Location"],
    }


def test_insufficient_funds_is_replayed_after_the_account_is_funded(
    api, alice, funded_account, staff
):
    source, dest = funded_account(alice, 10), funded_account(alice)
    body = transfer_of(source, dest.pk, 11)
    first = api.post("/transfers", body, key="k")
    services.deposit(account_id=source.pk, amount=100, actor=staff)

    again = api.post("/transfers", body, key="k")
    with_another_key = api.post("/transfers", body)

    assert (first.status_code, first.json()["code"]) == (409, "insufficient_funds")
    assert first["Content-Type"] == "application/problem+json"
    assert again.status_code == 409
    assert again["Content-Type"] == "application/problem+json"
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert with_another_key.status_code == 201


def test_account_not_found_is_replayed_after_the_account_is_opened(api, alice, bob, funded_account):
    source, missing = funded_account(alice, 10), uuid.uuid4()
    body = transfer_of(source, missing, 5)
    first = api.post("/transfers", body, key="k")
    funded_account(bob, id=missing)

    again = api.post("/transfers", body, key="k")
    with_another_key = api.post("/transfers", body)

    assert (first.status_code, first.json()["code"]) == (404, "account_not_found")
    assert again.status_code == 404
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert with_another_key.status_code == 201


def test_an_error_about_an_accounts_status_is_replayed_after_it_changes(
    api, alice, funded_account, staff
):
    account = funded_account(alice)
    account_services.freeze(account_id=account.pk, actor=staff)
    path = f"/accounts/{account.pk}/deposit"
    first = api.post(path, {"amount": 5}, key="k")
    account_services.unfreeze(account_id=account.pk, actor=staff)

    again = api.post(path, {"amount": 5}, key="k")

    assert (first.status_code, first.json()["code"]) == (409, "account_frozen")
    assert again.content == first.content
    account.refresh_from_db()
    assert account.balance == 0


def test_an_error_is_stored_and_the_writes_of_the_view_are_rolled_back(api, alice, serve):
    def write_and_refuse(request):
        Account.objects.create(owner=request.user, owner_name="Gone", currency="USD")
        raise AccountFrozen("after it has written")

    path = serve(write_and_refuse)

    first, second = api.post(path, key="k"), api.post(path, key="k")

    assert first.status_code == 409
    assert second.content == first.content
    assert Account.objects.filter(owner=alice).count() == 0


def assert_unused(client, account, key):
    """Check that nothing is stored for the key, and that it can be used for a deposit, once."""
    assert IdempotencyKey.objects.filter(key=key).count() == 0
    for _ in range(2):
        answer = client.post(f"/accounts/{account.pk}/deposit", {"amount": 5}, key=key)
        assert answer.status_code == 200
    account.refresh_from_db()
    assert account.balance == 5


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b'{"amount":1,"amount":2}', 400, "malformed_json"),
        (b'{"amount":NaN}', 400, "malformed_json"),
        (b"[" * 100_000, 413, "payload_too_large"),
        (b"[" * 60_000, 400, "malformed_json"),
        (b"\xff", 400, "malformed_json"),
        (b'{"amount":0}', 422, "validation_failed"),
        (b'{"amount":5.0}', 422, "validation_failed"),
        (b'{"amount":5,"memo":"\\ud800"}', 422, "validation_failed"),
        (b'{"amount":5,"more":1}', 422, "validation_failed"),
        (b'{"amount":5,"\\ud800":1}', 422, "validation_failed"),
        (b"", 422, "validation_failed"),
        (b"null", 422, "validation_failed"),
        (b"{}" + b" " * 64 * 1024, 413, "payload_too_large"),
    ],
)
def test_an_invalid_body_leaves_the_key_unused(api, alice, funded_account, body, status, code):
    account = funded_account(alice)

    answer = api.generic(
        "POST",
        f"/accounts/{account.pk}/deposit",
        body,
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert_unused(api, account, "k")


def test_a_transfer_to_the_same_account_leaves_the_key_unused(api, alice, funded_account):
    account = funded_account(alice)

    answer = api.post("/transfers", transfer_of(account, account.pk, 5), key="k")

    assert (answer.status_code, answer.json()["code"]) == (400, "same_account")
    assert_unused(api, account, "k")


def test_an_unsupported_media_type_leaves_the_key_unused(api, alice, funded_account):
    account = funded_account(alice)

    answer = api.generic(
        "POST",
        f"/accounts/{account.pk}/deposit",
        b'{"amount":5}',
        content_type="text/plain",
        headers={"Idempotency-Key": "k"},
    )

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert_unused(api, account, "k")


def test_an_accept_header_that_excludes_json_leaves_the_key_unused(api, alice, funded_account):
    account = funded_account(alice)

    answer = api.post(
        f"/accounts/{account.pk}/deposit", {"amount": 5}, key="k", headers={"Accept": "text/html"}
    )

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert_unused(api, account, "k")


def test_a_missing_permission_leaves_the_key_unused(api, alice, funded_account):
    account = funded_account(alice)

    answer = api.post(f"/accounts/{account.pk}/freeze", key="k")

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert_unused(api, account, "k")


def test_an_invalid_token_leaves_the_key_unused(api, alice, client_for, funded_account):
    account, stranger = funded_account(alice), client_for(None)
    stranger.credentials(HTTP_AUTHORIZATION="Bearer garbage")

    answer = stranger.post(f"/accounts/{account.pk}/deposit", {"amount": 5}, key="k")

    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert_unused(api, account, "k")


def test_an_unsupported_method_leaves_the_key_unused(api, alice, funded_account):
    account = funded_account(alice)

    answer = api.post(f"/accounts/{account.pk}/balance", key="k")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert_unused(api, account, "k")


@pytest.mark.parametrize(
    ("refusal", "status"), [(Throttled(wait=7), 429), (NotAcceptable(), 406)], ids=str
)
def test_an_error_that_leaves_the_outcome_open_leaves_the_key_unused(
    api, alice, funded_account, serve, refusal, status
):
    def refuse(request):
        raise refusal

    account = funded_account(alice)

    answer = api.post(serve(refuse), key="k")

    assert answer.status_code == status
    assert_unused(api, account, "k")


def test_a_redirect_is_not_stored_and_is_rolled_back(api, alice, funded_account, serve):
    def redirect(request):
        Account.objects.create(owner=request.user, owner_name="Gone", currency="USD")
        return Response(status=307, headers={"Location": "/elsewhere"})

    account = funded_account(alice)

    answer = api.post(serve(redirect), key="k")

    assert answer.status_code == 307
    assert Account.objects.filter(owner=alice).count() == 1
    assert_unused(api, account, "k")
