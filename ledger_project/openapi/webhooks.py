"""The messages that webhooks receive: the section ``webhooks`` of the OpenAPI document."""

from typing import Any

from accounts.examples import ACCOUNT
from events.examples import FROZEN, POSTED
from events.types import EventType
from ledger_project.openapi.components import reference
from transfers.examples import CAPTURE, PENDING, VOID

DESCRIPTION = (
    "Sent to every webhook that asks for it. Check the signature as Standard Webhooks defines, and "
    "recognize by `id` what you have already handled: each event is delivered at least once."
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
RESPONSES = {
    "2XX": "The event was received. It isn't sent again.",
    "default": "The event is sent again later, for up to three days.",
}


def add_webhooks(result: dict[str, Any]) -> None:
    """Add a webhook for each type of event to a document that has the schema of events."""
    schemas = result["components"]["schemas"]
    for name, of_accounts in (("Transfer", False), ("Account", True)):
        schemas[f"{name}Event"] = _schema(schemas["Event"], name, of_accounts)
    result["webhooks"] = {each.value: {"post": _message(each)} for each in EventType}


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


def _message(type: EventType) -> dict[str, Any]:
    schema = "AccountEvent" if type.concerns_account else "TransferEvent"
    return {
        "operationId": f"on{type.value.title().replace('.', '').replace('_', '')}",
        "summary": f"{type.value}: {type.meaning.partition(';')[0].rstrip('.')}",
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
                    "examples": {type.value: {"value": _example(type)}},
                }
            },
        },
        "responses": {status: {"description": words} for status, words in RESPONSES.items()},
    }


def _example(type: EventType) -> dict[str, Any]:
    for whole in (POSTED, FROZEN):
        if whole["type"] == type:
            return whole
    like = FROZEN if type.concerns_account else POSTED
    return {**like, "type": type.value, "data": DATA.get(type, ACCOUNT)}
