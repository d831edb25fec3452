"""Creating, listing, retrieving and revoking service keys over HTTP."""

import json
import re
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from api.scopes import Scope
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.service_keys.models import ServiceKey, digest_of
from ledger_project.service_keys.tests.keys import Held, client_with

pytestmark = pytest.mark.django_db

BODY = {"name": "Shop backend", "scopes": ["transfers:write", "accounts:read"]}


def created(answer) -> Held:
    assert answer.status_code == 201, answer.content
    document = answer.json()
    return Held(ServiceKey.objects.get(pk=document["client_id"]), document["client_secret"])


def test_a_person_creates_a_key_and_it_works_at_once(api, alice):
    answer = api.post("/service-keys", BODY)

    document, held = answer.json(), created(answer)
    assert answer["Location"] == f"/service-keys/{held.key.pk}"
    assert re.fullmatch("lsk_[A-Za-z0-9_-]{43}", document.pop("client_secret"))
    assert datetime.fromisoformat(document.pop("created_at")).tzinfo is not None
    assert document == {
        "client_id": str(held.key.pk),
        "name": "Shop backend",
        "owner": "alice",
        "scopes": ["accounts:read", "transfers:write"],
        "expires_at": None,
        "last_used_at": None,
        "revoked_at": None,
        "revoke_reason": "",
    }
    assert client_with(held).get("/accounts").status_code == 200


def test_a_key_with_a_lifetime_expires(api):
    document = api.post("/service-keys", {**BODY, "expires_in": 90 * 86400}).json()

    created_at, expires_at = (
        datetime.fromisoformat(document[name]) for name in ("created_at", "expires_at")
    )
    assert expires_at - created_at == timedelta(days=90)


def test_no_secret_is_stored_and_a_replay_does_not_show_it(api):
    first = api.post("/service-keys", BODY, key="once")
    secret = first.json()["client_secret"]

    again = api.post("/service-keys", BODY, key="once")
    looked_up = api.get("/idempotency-keys/once").json()["response_body"]

    expected = {**first.json(), "client_secret": None}
    assert (again.status_code, again["Idempotent-Replayed"]) == (201, "true")
    assert again["Location"] == first["Location"]
    assert again.json() == looked_up == expected
    assert ServiceKey.objects.get().secret_digest == digest_of(secret)
    stored = [*ServiceKey.objects.values(), *IdempotencyKey.objects.values()]
    assert secret not in json.dumps(stored, default=str)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "#/name"),
        ({"name": "  "}, "#/name"),
        ({"name": "x" * 101}, "#/name"),
        ({"name": 5}, "#/name"),
        ({"name": "a\0"}, "#/name"),
        ({"scopes": []}, "#/scopes"),
        ({"scopes": "accounts:read"}, "#/scopes"),
        ({"scopes": ["everything"]}, "#/scopes/0"),
        ({"scopes": ["accounts:read"] * 7}, "#/scopes"),
        ({"scopes": [None]}, "#/scopes/0"),
        ({"expires_in": 59}, "#/expires_in"),
        ({"expires_in": 10**9}, "#/expires_in"),
        ({"expires_in": None}, "#/expires_in"),
        ({"expires_in": "60"}, "#/expires_in"),
        ({"owner": "bob"}, "#/owner"),
        ({"client_secret": "x"}, "#/client_secret"),
    ],
    ids=repr,
)
def test_an_invalid_body_is_refused(api, change, pointer):
    answer = api.post("/service-keys", BODY | change)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not ServiceKey.objects.exists()


def test_a_scope_that_is_sent_twice_counts_once(api):
    answer = api.post("/service-keys", {**BODY, "scopes": ["cash:write"] * 2})

    assert answer.json()["scopes"] == ["cash:write"]


@pytest.mark.parametrize("scopes", [[], [Scope.ACCOUNTS_READ]])
def test_a_key_neither_creates_nor_sees_nor_revokes_keys(make_key, scopes):
    held = make_key(*scopes)
    client, path = client_with(held), f"/service-keys/{held.key.pk}"

    answers = [
        client.post("/service-keys", BODY),
        client.get("/service-keys"),
        client.get(path),
        client.post(f"{path}/revoke"),
    ]

    assert [answer.json()["code"] for answer in answers] == ["person_required"] * 4
    assert list(ServiceKey.objects.values_list("revoked_at", flat=True)) == [None]


def test_users_see_their_own_keys_newest_first_without_secrets(api, make_key, bob):
    older, newer = make_key(name="older"), make_key(name="newer")
    foreign = make_key(owner=bob)

    page = api.get("/service-keys", {"limit": 1}).json()
    rest = api.get("/service-keys", {"limit": 1, "cursor": page["next_cursor"]}).json()
    one = api.get(f"/service-keys/{older.key.pk}").json()
    hidden = api.get(f"/service-keys/{foreign.key.pk}")

    assert [each["name"] for each in page["items"] + rest["items"]] == ["newer", "older"]
    assert rest["next_cursor"] is None
    assert rest["items"] == [one]
    assert "client_secret" not in one
    assert newer.key.secret_digest not in json.dumps(page)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "service_key_not_found")


def test_a_list_of_keys_takes_the_same_statements_for_one_and_for_three(api, make_key):
    counts = []
    for number in (1, 2):
        for _ in range(number):
            make_key()
        with CaptureQueriesContext(connection) as queries:
            api.get("/service-keys")
        counts.append(len(queries))

    assert counts == [2, 2]


def test_revoking_ends_the_key_and_its_tokens_at_once(api, make_key, client_for):
    held, other = make_key(), make_key()
    clients = client_with(held), client_with(other)
    path = f"/service-keys/{held.key.pk}/revoke"
    before = [client.get("/accounts").status_code for client in clients]

    answer = api.post(path, {"reason": " Leaked "})

    reads = [client.get("/accounts").status_code for client in clients]
    writes = [client.post("/accounts", {"owner_name": "A"}).status_code for client in clients]
    assert (before, reads, writes) == ([200, 200], [401, 200], [401, 201])
    assert (answer.status_code, answer.json()["revoke_reason"]) == (200, "Leaked")
    assert answer.json() == api.get(f"/service-keys/{held.key.pk}").json()
    assert client_for(None).post("/auth/token", held.grant()).json()["code"] == "invalid_client"


def test_a_second_revocation_changes_nothing(api, make_key):
    path = f"/service-keys/{make_key().key.pk}/revoke"

    first = api.post(path, {"reason": "Leaked"})
    second = api.post(path, {"reason": "Again"})

    assert second.status_code == 200
    assert second.json() == first.json()


def test_the_keys_of_others_are_seen_and_revoked_with_permissions_only(
    make_key, make_user, client_for
):
    held = make_key()
    path = f"/service-keys/{held.key.pk}"
    stranger = client_for(make_user("service_keys.revoke_any"))
    reader = client_for(make_user("service_keys.read_any"))
    clerk = client_for(make_user("service_keys.read_any", "service_keys.revoke_any"))

    seen = [client.get(path).status_code for client in (stranger, reader, clerk)]
    listed = [len(client.get("/service-keys").json()["items"]) for client in (stranger, reader)]
    revoked = [client.post(f"{path}/revoke").status_code for client in (stranger, reader, clerk)]

    assert (seen, listed, revoked) == ([404, 200, 200], [0, 1], [404, 403, 200])
    assert ServiceKey.objects.get(pk=held.key.pk).revoked_by == clerk.user


def test_a_request_with_a_key_takes_as_many_statements_as_with_a_password(
    api, make_key, funded_account, alice
):
    account, client = funded_account(alice, 100), client_with(make_key())
    calls = [
        lambda each: each.get(f"/accounts/{account.pk}"),
        lambda each: each.get(f"/accounts/{account.pk}/statement"),
        lambda each: each.post(f"/accounts/{account.pk}/deposit", {"amount": 5}),
        lambda each: each.post("/accounts", {"owner_name": "A"}),
    ]

    for call in calls:
        counts = []
        for each in (api, client):
            with CaptureQueriesContext(connection) as queries:
                assert call(each).status_code < 300
            counts.append(len(queries))
        assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("service_key_has_a_scope", "scope = ''"),
        ("service_key_expires_after_its_creation", "expires_at = created_at"),
        ("service_key_revocation_has_its_user", "revoked_at = created_at"),
        ("service_key_revocation_has_its_user", "revoked_by_id = owner_id"),
    ],
)
def test_the_database_refuses_a_key_that_makes_no_sense(make_key, name, change):
    make_key()

    with (
        pytest.raises(IntegrityError, match=name),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE service_keys_servicekey SET {change}")
