"""Webhooks over HTTP: who may do what, and what is refused."""

import uuid

import pytest

from conftest import allow
from events.cursors import cursor_of
from events.order import START, Position
from events.webhooks import services
from events.webhooks.exceptions import MOST_WEBHOOKS
from events.webhooks.models import Delivery, Endpoint
from events.webhooks.secrets import decrypted
from events.webhooks.statuses import DeliveryStatus
from events.webhooks.tests.conftest import URL
from ledger_project.idempotency.models import IdempotencyKey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("allow_this_machine")]


def test_a_webhook_is_registered_with_a_secret(api, funded_account, alice):
    account = funded_account(alice)

    response = api.post(
        "/webhooks",
        {
            "url": URL,
            "description": "Orders",
            "events": ["transfer.posted", "hold.created", "transfer.posted"],
            "account_ids": [str(account.pk).upper()],
        },
    )

    body = response.json()
    endpoint = Endpoint.objects.get()
    assert (response.status_code, response["Location"]) == (201, f"/webhooks/{endpoint.pk}")
    assert body.pop("created_at").endswith("Z")
    assert body.pop("secret") == decrypted(endpoint.secret)
    assert body == {
        "id": str(endpoint.pk),
        "url": URL,
        "description": "Orders",
        "events": ["transfer.posted", "hold.created"],
        "account_ids": [str(account.pk)],
        "status": "ENABLED",
        "disabled_reason": "",
        "failing_since": None,
    }


def test_a_secret_is_stored_only_encrypted_and_not_in_the_response_of_the_key(api):
    key = str(uuid.uuid4())
    secret = api.post("/webhooks", {"url": URL}, key=key).json()["secret"]

    replay = api.post("/webhooks", {"url": URL}, key=key)

    assert (replay["Idempotent-Replayed"], replay.json()["secret"]) == ("true", None)
    stored = Endpoint.objects.get().secret + str(IdempotencyKey.objects.get().response_body)
    assert secret.removeprefix("whsec_") not in stored


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, "url"),
        ({"url": "https://127.0.0.2/"}, "url"),
        ({"url": "http://hooks.example/"}, "url"),
        ({"url": "https://user:password@hooks.example/"}, "url"),
        ({"url": URL, "events": ["transfer.reversed"]}, "events"),
        ({"url": URL, "events": "transfer.posted"}, "events"),
        ({"url": URL, "account_ids": ["1"]}, "account_ids"),
        ({"url": URL, "account_ids": [str(uuid.uuid4())]}, "account_ids"),
        ({"url": URL, "description": "a" * 201}, "description"),
        ({"url": URL, "secret": "whsec_mine"}, "secret"),
    ],
)
def test_an_invalid_webhook_is_refused(api, body, name):
    response = api.post("/webhooks", body)

    assert response.status_code == 422
    assert {each["pointer"].split("/")[1] for each in response.json()["errors"]} == {name}
    assert not Endpoint.objects.exists()


def test_an_account_of_somebody_else_is_refused_like_one_that_does_not_exist(
    api, bob, funded_account
):
    details = []
    for account_id in (funded_account(bob).pk, uuid.uuid4()):
        response = api.post("/webhooks", {"url": URL, "account_ids": [str(account_id)]})
        assert response.status_code == 422
        details.append(response.content.decode().replace(str(account_id), "ID"))

    assert details[0] == details[1]


def test_a_user_may_have_only_so_many_webhooks(api, make_webhook):
    for _ in range(MOST_WEBHOOKS - 1):
        make_webhook()

    codes = [api.post("/webhooks", {"url": URL}).status_code for _ in range(2)]

    assert codes == [201, 409]


def test_webhooks_are_listed_newest_first(api, bob, make_webhook):
    own = [str(make_webhook().pk) for _ in range(3)]
    make_webhook(owner=bob)

    first = api.get("/webhooks?limit=2").json()
    rest = api.get(f"/webhooks?limit=2&cursor={first['next_cursor']}").json()

    assert [each["id"] for each in first["items"] + rest["items"]] == own[::-1]
    assert rest["next_cursor"] is None


def test_members_of_a_webhook_are_changed_one_by_one(api, make_webhook):
    endpoint = make_webhook(description="Orders", events=["transfer.posted"])

    response = api.patch(f"/webhooks/{endpoint.pk}", {"events": []})

    assert response.status_code == 200
    assert response.json()["events"] == []
    assert response.json()["description"] == "Orders"
    assert api.get(f"/webhooks/{endpoint.pk}").json() == response.json()


def test_a_webhook_is_deleted_with_its_deliveries(api, make_webhook):
    endpoint = make_webhook()
    api.post(f"/webhooks/{endpoint.pk}/test")
    key = str(uuid.uuid4())

    codes = [api.delete(f"/webhooks/{endpoint.pk}", key=key).status_code for _ in range(2)]

    assert codes == [204, 204]
    assert not Delivery.objects.exists()
    assert api.delete(f"/webhooks/{endpoint.pk}").json()["code"] == "webhook_not_found"


def test_the_replay_of_a_deletion_has_the_headers_of_the_first_response(api, make_webhook):
    path = f"/webhooks/{make_webhook().pk}"

    first, again = [api.delete(path, key="k") for _ in range(2)]

    assert (first.status_code, again.status_code, again.content) == (204, 204, b"")
    headers = [dict(answer.items()) for answer in (first, again)]
    assert headers[1].pop("Idempotent-Replayed") == "true"
    for each in headers:
        del each["X-Request-ID"]
    assert headers[1] == headers[0]


def test_a_rotated_secret_is_new_and_the_previous_one_signs_for_a_day(api, make_webhook):
    endpoint = make_webhook()
    before = decrypted(endpoint.secret)

    response = api.post(f"/webhooks/{endpoint.pk}/rotate-secret")

    endpoint.refresh_from_db()
    assert response.status_code == 200
    assert response.json()["secret"] == decrypted(endpoint.secret) != before
    end = endpoint.previous_secret_until
    for now, secrets in (
        (end.replace(microsecond=0), [decrypted(endpoint.secret), before]),
        (end, [decrypted(endpoint.secret)]),
    ):
        assert [decrypted(each) for each in endpoint.stored_secrets(now)] == secrets


def test_a_test_is_a_delivery_without_an_event(api, make_webhook):
    endpoint = make_webhook()

    response = api.post(f"/webhooks/{endpoint.pk}/test")

    delivery = response.json()
    assert response.status_code == 202
    assert (delivery["event_id"], delivery["event_type"]) == (None, "webhook.test")
    assert (delivery["status"], delivery["attempts"]) == ("PENDING", 0)
    listed = api.get(f"/webhooks/{endpoint.pk}/deliveries").json()
    assert listed == {"items": [delivery], "next_cursor": None}


def test_a_disabled_webhook_is_enabled_and_refuses_what_needs_it_enabled(api, make_webhook):
    endpoint = make_webhook()
    delivery = services.test(webhook_id=endpoint.pk, actor=endpoint.owner)
    endpoint.status, endpoint.disabled_reason = "DISABLED", "It was gone."
    endpoint.save()
    path = f"/webhooks/{endpoint.pk}"
    actions = ("/test", "/replay", f"/deliveries/{delivery.pk}/retry")

    refused = [api.post(path + action, {"after": None}).json() for action in actions[1:2]]
    refused += [api.post(path + action).json() for action in (actions[0], actions[2])]
    enabled = api.post(f"{path}/enable").json()

    assert {(each["code"], each["reason"]) for each in refused} == {
        ("webhook_disabled", "It was gone.")
    }
    assert (enabled["status"], enabled["disabled_reason"]) == ("ENABLED", "")
    assert api.post(f"{path}/enable").status_code == 200
    assert api.post(f"{path}/test").status_code == 202


@pytest.mark.parametrize("status", [each.value for each in DeliveryStatus])
def test_a_delivery_is_attempted_again_whatever_its_status(api, make_webhook, status):
    endpoint = make_webhook()
    delivery = services.test(webhook_id=endpoint.pk, actor=endpoint.owner)
    if status != "PENDING":
        Delivery.objects.update(status=status, due_at=None, attempts=3)

    response = api.post(f"/webhooks/{endpoint.pk}/deliveries/{delivery.pk}/retry")

    assert (response.status_code, response.json()["status"]) == (200, "PENDING")
    assert response.json()["next_attempt_at"] is not None


def test_a_delivery_of_another_webhook_is_not_found(api, make_webhook):
    endpoint, other = make_webhook(), make_webhook()
    delivery = services.test(webhook_id=other.pk, actor=other.owner)

    response = api.post(f"/webhooks/{endpoint.pk}/deliveries/{delivery.pk}/retry")

    assert (response.status_code, response.json()["code"]) == (404, "delivery_not_found")


def test_a_replay_begins_after_a_cursor_and_never_skips(api, make_webhook):
    endpoint = make_webhook()
    endpoint.position = Position(5, 5)
    endpoint.save()

    places = []
    for after in (Position(7, 7), Position(3, 4), None):
        body = {"after": after and cursor_of(after)}
        assert api.post(f"/webhooks/{endpoint.pk}/replay", body).status_code == 200
        endpoint.refresh_from_db()
        places.append(endpoint.position)

    assert places == [Position(5, 5), Position(3, 4), START]


def test_a_replay_refuses_what_is_no_cursor(api, make_webhook):
    endpoint = make_webhook()

    bodies = [{"after": "no cursor"}, {}, {"after": 1}]
    codes = [api.post(f"/webhooks/{endpoint.pk}/replay", body).json()["code"] for body in bodies]

    assert codes == ["invalid_cursor", "validation_failed", "validation_failed"]


REQUESTS = [
    ("get", "", None),
    ("get", "/deliveries", None),
    ("patch", "", {"description": "Mine now"}),
    ("delete", "", None),
    ("post", "/rotate-secret", None),
    ("post", "/test", None),
    ("post", "/enable", None),
    ("post", "/replay", {"after": None}),
    ("post", f"/deliveries/{uuid.uuid4()}/retry", None),
]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_a_stranger_finds_no_webhook(client_for, bob, make_webhook, method, path, body):
    endpoint = make_webhook()
    arguments = [] if body is None else [body]

    response = getattr(client_for(bob), method)(f"/webhooks/{endpoint.pk}{path}", *arguments)

    assert (response.status_code, response.json()["code"]) == (404, "webhook_not_found")


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_who_may_see_all_webhooks_may_only_read(client_for, bob, make_webhook, method, path, body):
    endpoint = make_webhook()
    reader = client_for(allow(bob, "webhooks.read_any"))
    arguments = [] if body is None else [body]

    response = getattr(reader, method)(f"/webhooks/{endpoint.pk}{path}", *arguments)

    assert response.status_code == (200 if method == "get" else 403)


def test_who_may_manage_all_webhooks_may_enable_one(client_for, bob, make_webhook):
    endpoint = make_webhook()
    rights = "webhooks.read_any", "webhooks.manage_any", "accounts.read_any"
    manager = client_for(allow(bob, *rights))

    assert manager.post(f"/webhooks/{endpoint.pk}/enable").status_code == 200
