"""The messages that webhooks receive: the section ``webhooks`` of the OpenAPI document."""

from typing import Any

from accounts.examples import ACCOUNT
from events.examples import FROZEN, POSTED
from events.types import EventType
from events.webhooks.attempts import TEST_TYPE
from events.webhooks.examples import WEBHOOK_ID
from ledger_project.openapi.components import reference
from transfers.examples import CAPTURE, PENDING, VOID

DESCRIPTION = (
    "Check the signature as Standard Webhooks defines. Recognize by `id` what you have already "
    "handled, because each message is delivered at least once."
)
# The ``data`` of the example of each type that ``events.examples`` has no example of.
DATA: dict[EventType, dict[str, Any]] = {
    EventType.HOLD_CREATED: PENDING,
    EventType.HOLD_CAPTURED: CAPTURE,
    EventType.HOLD_VOIDED: VOID,
    EventType.HOLD_EXPIRED: VOID,
    EventType.ACCOUNT_OPENED: {**ACCOUNT, "balance": 0, "available": 0, "version": 0},
    EventType.ACCOUNT_LIMIT_CHANGED: {**ACCOUNT, "overdraft_limit": 50_00, "available": 150_00},
    EventType.ACCOUNT_CLOSED: {**ACCOUNT, "balance": 0, "available": 0, "status": "CLOSED"},
}
HEADERS = {
    "webhook-id": "The `id` of the event. It is the same at each attempt.",
    "webhook-timestamp": "The time of this attempt, in seconds since 1970.",
    "webhook-signature": "One signature, or two with a space between them while the secret is "
    "being replaced. Each is `v1,` and the Base64 of an HMAC-SHA256.",
}
# The name of each response, its status, and what it leads to.
RESPONSES = {
    "Received": ("2XX", "The message was received. It isn't sent again."),
    "Gone": ("410", "The webhook is disabled. Nothing more is sent to it."),
    "Failed": ("default", "The message is sent again later, for up to three days."),
}
TEST_EXAMPLE = {
    "id": "019c13ec-9e00-7000-8000-0000000000e3",
    "type": TEST_TYPE,
    "created_at": POSTED["created_at"],
    "data": {"webhook_id": WEBHOOK_ID},
}
TEST_SCHEMA = {
    "type": "object",
    "description": "A test of a webhook, which isn't in the feed.",
    "required": ["created_at", "data", "id", "type"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "The id of the delivery."},
        "type": {"type": "string", "enum": [TEST_TYPE], "description": "What happened."},
        "created_at": {
            "type": "string",
            "format": "date-time",
            "description": "When the test was requested, in UTC.",
        },
        "data": {
            "type": "object",
            "description": "The webhook that is tested.",
            "required": ["webhook_id"],
            "properties": {
                "webhook_id": {
                    "type": "string",
                    "format": "uuid",
                    "description": "The id of the webhook.",
                }
            },
        },
    },
}


def add_webhooks(result: dict[str, Any]) -> None:
    """Add a message for each schema of events to a document that has the schema ``Event``."""
    components = result["components"]
    components["responses"] = {
        name: {"description": words} for name, (_, words) in RESPONSES.items()
    }
    components["schemas"]["TestEvent"] = TEST_SCHEMA
    result["webhooks"] = {}
    for data, of_accounts in (("Transfer", False), ("Account", True)):
        types = [each for each in EventType if each.concerns_account == of_accounts]
        schema = _schema(components["schemas"]["Event"], data, types)
        examples = {
            f"{each.value}: {each.meaning.partition(';')[0].rstrip('.')}": _example(each)
            for each in types
        }
        components["schemas"][f"{data}Event"] = schema
        result["webhooks"][f"{data}Event"] = _message(f"{data}Event", schema, examples)
    title = f"{TEST_TYPE}: somebody asked for a test"
    result["webhooks"]["TestEvent"] = _message("TestEvent", TEST_SCHEMA, {title: TEST_EXAMPLE})


def _schema(event: dict[str, Any], data: str, types: list[EventType]) -> dict[str, Any]:
    """Return the schema of the events of these types, with the schema ``data`` in them."""
    return {
        **event,
        "description": f"An event about {'an account' if data == 'Account' else 'a transfer'}.",
        "properties": {
            **event["properties"],
            "type": {
                "type": "string",
                "enum": [each.value for each in types],
                "description": "What happened.",
            },
            "data": reference("schemas", data),
        },
    }


def _message(name: str, schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    operation = {
        "operationId": f"on{name}",
        "summary": schema["description"].rstrip("."),
        "description": DESCRIPTION,
        "tags": ["Webhooks"],
        "security": [],
        "parameters": [
            {
                "name": header,
                "in": "header",
                "required": True,
                "description": words,
                "schema": {"type": "string"},
            }
            for header, words in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": reference("schemas", name),
                    "examples": {title: {"value": value} for title, value in examples.items()},
                }
            },
        },
        "responses": {
            status: reference("responses", response) for response, (status, _) in RESPONSES.items()
        },
    }
    return {"post": operation}


def _example(type: EventType) -> dict[str, Any]:
    for whole in (POSTED, FROZEN):
        if whole["type"] == type:
            return whole
    like = FROZEN if type.concerns_account else POSTED
    return {**like, "type": type.value, "data": DATA.get(type, ACCOUNT)}
