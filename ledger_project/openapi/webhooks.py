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
    "description": "A test of a webhook. It isn't in the feed.",
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
    """Add a webhook for each type of event to a document that has the schema of events."""
    schemas = result["components"]["schemas"]
    for name, of_accounts in (("Transfer", False), ("Account", True)):
        schemas[f"{name}Event"] = _schema(schemas["Event"], name, of_accounts)
    schemas["TestEvent"] = TEST_SCHEMA
    result["components"]["responses"] = {
        name: {"description": words} for name, (_, words) in RESPONSES.items()
    }
    result["webhooks"] = {
        each.value: _message(
            each.value,
            f"{each.value}: {each.meaning.partition(';')[0].rstrip('.')}",
            "AccountEvent" if each.concerns_account else "TransferEvent",
            _example(each),
        )
        for each in EventType
    }
    result["webhooks"][TEST_TYPE] = _message(
        TEST_TYPE, f"{TEST_TYPE}: somebody asked for a test", "TestEvent", TEST_EXAMPLE
    )


def _schema(event: dict[str, Any], name: str, of_accounts: bool) -> dict[str, Any]:
    """Return the schema of the events whose ``data`` is a transfer or an account."""
    types = [each.value for each in EventType if each.concerns_account == of_accounts]
    return {
        **event,
        "description": f"An event about a{'n account' if of_accounts else ' transfer'}.",
        "properties": {
            **event["properties"],
            "type": {"type": "string", "enum": types, "description": "What happened."},
            "data": reference("schemas", name),
        },
    }


def _message(type: str, summary: str, schema: str, example: dict[str, Any]) -> dict[str, Any]:
    operation = {
        "operationId": f"on{type.title().replace('.', '').replace('_', '')}",
        "summary": summary,
        "description": DESCRIPTION,
        "tags": ["Webhooks"],
        "security": [],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": words,
                "schema": {"type": "string"},
            }
            for name, words in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": reference("schemas", schema),
                    "examples": {type: {"value": example}},
                }
            },
        },
        "responses": {
            status: reference("responses", name) for name, (status, _) in RESPONSES.items()
        },
    }
    return {"post": operation}


def _example(type: EventType) -> dict[str, Any]:
    for whole in (POSTED, FROZEN):
        if whole["type"] == type:
            return whole
    like = FROZEN if type.concerns_account else POSTED
    return {**like, "type": type.value, "data": DATA.get(type, ACCOUNT)}
