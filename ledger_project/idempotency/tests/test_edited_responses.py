"""A stored response that was edited in the database is neither replayed nor shown."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import JSONField, Value

from audit.tests.tampering import unguarded
from ledger_project.idempotency.models import IdempotencyKey

pytestmark = pytest.mark.django_db

EDITS = {
    "no status": {"response_status": None},
    "headers that are a list": {"response_headers": []},
    "headers that are null": {"response_headers": Value(None, JSONField())},
    "a header that is a number": {"response_headers": {"Content-Type": "x", "Location": 5}},
    "a header of two lines": {"response_headers": {"Content-Type": "x\r\nSet-Cookie: a=b"}},
    "a header that is never stored": {"response_headers": {"Content-Type": "x", "Server": "y"}},
    "no type of the body": {"response_headers": {}},
    "a body that is no JSON": {"response_body": "<"},
    "a body that is nested too deeply": {"response_body": "[" * 5_000 + "]" * 5_000},
    "a body with half a surrogate pair": {"response_body": '"\\ud800"'},
    "a body with a number that JSON doesn't have": {"response_body": "[NaN]"},
    "no status and no body": {"response_status": None, "response_body": None},
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("amount", [5, 500])
def test_an_edited_response_is_not_replayed_and_the_request_is_not_repeated(
    api, alice, funded_account, edit, amount
):
    account = funded_account(alice, balance=7)
    path = f"/accounts/{account.pk}/withdraw"
    first = api.post(path, {"amount": amount}, key="k")
    with unguarded():
        IdempotencyKey.objects.update(**edit)

        again = api.post(path, {"amount": amount}, key="k")
        found = api.get("/idempotency-keys/k")

    assert first.status_code == {5: 200, 500: 409}[amount]
    assert (again.status_code, again.json()["code"]) == (409, "idempotency_key_expired")
    assert again.has_header("Idempotent-Replayed") is False
    assert (found.status_code, found.json()["response_body"]) == (200, None)
    account.refresh_from_db()
    assert account.balance == {5: 2, 500: 7}[amount]


@pytest.mark.parametrize("status", [None, 0, 199, 500])
def test_the_database_refuses_a_stored_body_without_a_valid_status(api, status):
    api.post("/accounts", {"owner_name": "Alice"}, key="k")

    with (
        pytest.raises(IntegrityError, match="idempotency_body_has_its_status"),
        transaction.atomic(),
    ):
        IdempotencyKey.objects.update(response_status=status)

    assert api.get("/idempotency-keys/k").json()["response_status"] == 201
