"""The section ``webhooks`` of the OpenAPI document describes what the ledger sends."""

from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from accounts import services as account_services
from api.parsers import strict_json
from api.renderers import JSONRenderer
from events.bodies import body_of
from events.models import Event
from events.types import EventType
from events.webhooks import services as webhook_services
from events.webhooks.attempts import TEST_TYPE, claim
from events.webhooks.signatures import new_secret, signed_headers
from ledger_project.openapi.tests.test_autoschema import DOCUMENT, parameters_of, resolved
from transfers import services
from transfers.tests.orders import expired_hold, hold_order, transfer_order

pytestmark = pytest.mark.django_db

MESSAGES: dict[str, dict[str, Any]] = {
    name: item["post"] for name, item in DOCUMENT["webhooks"].items()
}


def body_of_message(name: str) -> dict[str, Any]:
    return MESSAGES[name]["requestBody"]["content"]["application/json"]


def is_valid(name: str, body: Any) -> bool:
    schema = {**body_of_message(name)["schema"], "components": DOCUMENT["components"]}
    return Draft202012Validator(schema).is_valid(body)


def message_of(type: str) -> str:
    """Return the name of the message that has an example of a type."""
    [name] = {message for message, each, _ in EXAMPLES if each == type}
    return name


# The message, the type and the value of each example.
EXAMPLES = [
    (name, title.partition(":")[0], example["value"])
    for name in MESSAGES
    for title, example in body_of_message(name)["examples"].items()
]


def test_there_is_an_example_for_each_type_of_event_and_for_a_test():
    assert [type for _, type, _ in EXAMPLES] == [*(each.value for each in EventType), TEST_TYPE]


def test_the_headers_are_those_that_are_sent():
    sent = signed_headers("message", datetime.now(UTC), b"{}", [new_secret()])

    named = {
        name: {each["name"] for each in parameters_of(message)}
        for name, message in MESSAGES.items()
    }

    assert named == {name: set(sent) for name in MESSAGES}


@pytest.mark.parametrize(("name", "type", "example"), EXAMPLES)
def test_an_example_is_of_its_type_and_only_valid_for_its_message(name, type, example):
    kind = type.partition(".")[0]

    assert example["type"] == type
    assert name == {"account": "AccountEvent", "webhook": "TestEvent"}.get(kind, "TransferEvent")
    assert [each for each in MESSAGES if is_valid(each, example)] == [name]


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_allows_exactly_the_types_of_its_examples(name):
    schema = resolved(body_of_message(name)["schema"])

    allowed = schema["properties"]["type"]["enum"]
    assert allowed == [type for message, type, _ in EXAMPLES if message == name]


@pytest.fixture
def one_of_each_type(alice, bob, staff, funded_account):
    """Cause an event of each type."""
    source, dest = funded_account(alice, 100), funded_account(bob)
    transfer_order(source, dest, 1, actor=alice)
    services.capture(hold_id=hold_order(source, dest, 1, actor=alice).pk, actor=bob)
    services.void(hold_id=hold_order(source, dest, 1, actor=alice).pk, actor=bob)
    expired_hold(source, dest, 1, actor=alice)
    services.release_expired_holds(source_id=source.pk)
    who = {"account_id": source.pk, "actor": staff}
    account_services.describe(**who, owner_name="Renamed")
    account_services.freeze(**who)
    account_services.unfreeze(**who)
    account_services.set_overdraft_limit(**who, limit=5)
    account_services.close(account_id=funded_account(alice).pk, actor=alice)


def test_every_event_matches_the_schema_of_its_message(one_of_each_type):
    bodies = [
        strict_json(JSONRenderer().render(body_of(each)))
        for each in Event.objects.with_data().in_order()
    ]

    assert {each["type"] for each in bodies} == {each.value for each in EventType}
    assert [each for each in bodies if not is_valid(message_of(each["type"]), each)] == []


def test_a_test_matches_the_schema_of_its_message(alice):
    endpoint, _ = webhook_services.register(
        owner=alice, url="https://app.example/hook", events=[], account_ids=[], description=""
    )
    webhook_services.test(webhook_id=endpoint.pk, actor=alice)

    [attempt] = claim(endpoint.pk, 1)

    assert is_valid(message_of(TEST_TYPE), strict_json(attempt.body))
