"""The parts of the OpenAPI document that belong to no single view."""

from collections.abc import Mapping
from typing import Any

from accounts.examples import ACCOUNT_ID, OTHER_ACCOUNT_ID
from api.operations import ANYONE
from api.problems import MEDIA_TYPE
from ledger_project.authentication import ACCESS_MINUTES
from ledger_project.idempotency.keys import LONGEST_KEY, PATTERN
from ledger_project.openapi.errors import ERRORS
from ledger_project.openapi.explanations import EXPLANATIONS
from transfers.examples import TRANSFER_ID

INTRODUCTION = f"""\
A double-entry ledger over HTTP: open accounts, move money between them, read their statements.

**A token.** `POST /auth/token` gives `access` and `refresh`. Press **Authorize** and paste
`access`. It is good for {ACCESS_MINUTES} minutes; `POST /auth/token/refresh` gives the next one.

**Money** is a positive integer in minor units: `2500` is 25.00 USD, and 2500 JPY. The ledger
never sees a fraction.

**The Idempotency-Key.** Each `POST` and `PATCH` but those of `/auth` needs one: a UUID, say. If
an answer is lost, send the same request with the same key. It is done once, and each later try
gets the first answer again, with `Idempotent-Replayed: true`. A new operation needs a new key; an
old key with another request is refused, so change the key with the body when you try things out
here.

**The examples** work as they stand on the demo data, for its user `demo`. They move money between
the accounts `{ACCOUNT_ID}` and `{OTHER_ACCOUNT_ID}`.
Elsewhere put in ids of your own: open two accounts, or list those there are.

**Errors** are [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem documents. Rely on
`code`; a refusal changes nothing.
"""

# In the order in which a newcomer needs them.
TAGS = {
    "Authentication": "Get a token, and end it.",
    "Accounts": "Open, name, freeze and close them.",
    "Money": "Cash in and out.",
    "Transfers": "Move money between accounts: at once, held for a time, many together, and back.",
    "Statements": "What happened to an account, and what it had at any time.",
    "Idempotency": "What became of a request.",
    "Integrity": "Whether the books are in order.",
    "Health": "Whether the service is.",
}

PATH_PARAMETERS = {
    "account_id": ("The account's id. Put in one of your own.", ACCOUNT_ID),
    "transfer_id": ("The transfer's id. Put in one of your own.", TRANSFER_ID),
}

KEY_SCHEMA = {
    "type": "string",
    "description": f"One to {LONGEST_KEY} characters of ASCII without spaces and commas; they may "
    "be quoted.",
    "minLength": 1,
    # With the quotation marks.
    "maxLength": LONGEST_KEY + 2,
    "pattern": PATTERN,
}

_MINOR_UNITS = {"type": "integer", "description": "In minor units."}
# The figures of a refusal, each with some of the codes.
EVIDENCE: dict[str, Any] = {
    "account_id": {
        "type": "string",
        "format": "uuid",
        "description": "The account that it is about.",
    },
    "available": {**_MINOR_UNITS, "description": "What can be spent, in minor units."},
    "required": {**_MINOR_UNITS, "description": "What would be needed, in minor units."},
    "shortfall": {**_MINOR_UNITS, "description": "What is missing, in minor units."},
    "balance": _MINOR_UNITS,
    "held": {**_MINOR_UNITS, "description": "What is reserved, in minor units."},
    "requested": {**_MINOR_UNITS, "description": "What was asked for, in minor units."},
    "limit": {**_MINOR_UNITS, "description": "The most that is possible, in minor units."},
    "source_currency": {"type": "string", "description": "ISO 4217."},
    "dest_currency": {"type": "string", "description": "ISO 4217."},
    "kind": {"type": "string", "description": "What kind of transfer it is."},
    "expires_at": {"type": "string", "format": "date-time", "description": "In UTC."},
    "pointer": {"type": "string", "description": "The item of a batch that is refused."},
    "index": {"type": "integer", "description": "Its place in the batch, from 0."},
    "response_status": {
        "type": "integer",
        "description": "The status with which the request was answered when it was first sent.",
    },
}

PROBLEM_SCHEMAS: dict[str, Any] = {
    # No enum: a generated client would fail on a code that is new to it.
    "ErrorCode": {
        "type": "string",
        "description": "What happened. A code never changes its meaning; new ones may be added.",
        "x-extensible-enum": list(ERRORS),
    },
    "FieldError": {
        "type": "object",
        "description": "What is wrong with one member of the body or one query parameter.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": {
                "type": "string",
                "description": "A JSON pointer as the fragment of a URI (RFC 6901 §6), into the "
                "body, or `#/` and the name of a query parameter.",
            },
            "code": {
                "type": "string",
                "description": "What is wrong. New codes may be added.",
            },
            "detail": {"type": "string", "description": "What is wrong, and what would be right."},
        },
    },
    "Problem": {
        "type": "object",
        "description": "An error (RFC 9457), with the figures of a refusal as further members.",
        "required": ["type", "title", "status", "detail", "code", "instance"],
        "properties": {
            "type": {
                "type": "string",
                "format": "uri-reference",
                "description": "Where the error is explained.",
            },
            "title": {"type": "string", "description": "The code in words."},
            "status": {
                "type": "integer",
                "minimum": 400,
                "maximum": 599,
                "description": "The status of the answer.",
            },
            "detail": {"type": "string", "description": "What happened, and what to do about it."},
            "code": {"$ref": "#/components/schemas/ErrorCode"},
            "instance": {"type": "string", "description": "The path of the request."},
            "errors": {
                "type": "array",
                "description": "With `validation_failed`.",
                "items": {"$ref": "#/components/schemas/FieldError"},
            },
            **EVIDENCE,
        },
        "additionalProperties": True,
    },
}

HEADERS: dict[str, Any] = {
    "Content-Disposition": {
        "description": "With `text/csv`: what to call the file.",
        "schema": {"type": "string"},
        "example": f'attachment; filename="statement-{ACCOUNT_ID}.csv"',
    },
    "Idempotent-Replayed": {
        "description": "There if this is the answer to an earlier request with the same key.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "Location": {
        "description": "Where it is from now on.",
        "required": True,
        "schema": {"type": "string"},
        "example": f"/transfers/{TRANSFER_ID}",
    },
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
    "WWW-Authenticate": {
        "description": "How to authenticate.",
        "schema": {"type": "string"},
        "example": 'Bearer realm="api"',
    },
    "X-Request-ID": {
        "description": "Names the request in the logs: as the client did, or else anew.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "example": "5f0f7c3a-6f6e-4a57-9b0b-5a1c2d3e4f50",
    },
}


def description() -> str:
    """Return the introduction with a table of every error."""
    # The anchor is where the `type` of a problem document leads to (see docs.js).
    rows = [
        f'| <a id="{code}"></a>`{code}` | {error.status} | {" | ".join(EXPLANATIONS[code])} |'
        for code, error in ERRORS.items()
    ]
    table = ["| code | status | it means | what to do |", "|---|---|---|---|", *rows]
    # Folded: the operations are what a reader came for.
    fold = ["<details><summary>Every error code</summary>", "", *table, "", "</details>"]
    return "\n".join([INTRODUCTION, *fold, ""])


def header(name: str) -> dict[str, Any]:
    """Return a reference to a header that several answers have."""
    return {"$ref": f"#/components/headers/{name}"}


def example(name: str) -> dict[str, Any]:
    """Return a reference to an error that several operations answer with."""
    return {"$ref": f"#/components/examples/{name}"}


def error_response(examples: Mapping[str, Any], **headers: Any) -> dict[str, Any]:
    """Return the answer with any of these errors, all of one status: their examples by code."""
    if any(ERRORS[code].status == 401 for code in examples):
        headers["WWW-Authenticate"] = header("WWW-Authenticate")
    if any(ERRORS[code].retry_after for code in examples):
        headers["Retry-After"] = header("Retry-After")
    problem = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": " · ".join(f"`{code}`" for code in examples),
        **({"headers": headers} if headers else {}),
        "content": {MEDIA_TYPE: {"schema": problem, "examples": dict(examples)}},
    }


def components() -> dict[str, dict[str, Any]]:
    """Return what the operations refer to beside the shapes of their serializers."""
    return {
        "schemas": {**PROBLEM_SCHEMAS, "Key": KEY_SCHEMA},
        "headers": HEADERS,
    }


# ── Views without DRF ────────────────────────────────────────────────────────────────────────────


def _health(path: str, operation_id: str, summary: str, status: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "const": status}},
    }
    content = {"schema": schema, "examples": {"Yes": {"value": {"status": status}}}}
    return {
        "operationId": operation_id,
        "summary": summary,
        "description": f"**Who:** {ANYONE}",
        "tags": ["Health"],
        "security": [],
        "responses": {
            "200": {"description": "Yes", "content": {"application/json": content}},
            "422": error_response({"validation_failed": example("unknown_parameter")}),
        },
    }


METRICS: dict[str, Any] = {
    "operationId": "getMetrics",
    "summary": "What Prometheus scrapes",
    "description": "**Who:** this machine, and who bears `LEDGER_METRICS_TOKEN`.",
    "tags": ["Health"],
    "security": [],
    "responses": {
        "200": {
            "description": "Prometheus' text format",
            "content": {
                "text/plain": {
                    "schema": {"type": "string"},
                    "examples": {
                        "Balanced": {"value": 'ledger_imbalance{currency="USD"} 0.0\n'},
                    },
                }
            },
        },
        "401": error_response({"not_authenticated": example("not_authenticated")}),
        "422": error_response({"validation_failed": example("unknown_parameter")}),
    },
}

PLAIN_VIEWS: dict[str, Any] = {
    "/metrics": {"get": METRICS},
    "/healthz": {"get": _health("/healthz", "getHealth", "Is the process alive?", "ok")},
    "/readyz": {
        "get": _health("/readyz", "getReadiness", "Can the ledger be written to?", "ready"),
    },
}
PLAIN_VIEWS["/readyz"]["get"] |= {
    "description": f"**Who:** {ANYONE}\n\n200 if the database is reachable, migrated and takes "
    "writes. Otherwise 503, whose `detail` says why.",
    "parameters": [
        {
            "name": "for",
            "in": "query",
            "description": "`reads`: 200 also if the database can only be read, as a standby can.",
            "schema": {"type": "string", "enum": ["reads"]},
        }
    ],
}
PLAIN_VIEWS["/readyz"]["get"]["responses"]["503"] = error_response(
    {"temporarily_unavailable": example("temporarily_unavailable")}
)
