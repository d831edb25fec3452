"""
The operations on accounts as OpenAPI shows them, in one table.

Here stands only what a reader needs and the code doesn't say: words, examples, and the rules that
may refuse. What follows from the code (the key, paging, filters, who is let in, the errors that
every such route has) is derived by ``ledger_project.schema``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from accounts.exceptions import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    AccountNotFound,
    LedgerError,
)
from accounts.serializers import (
    AccountSerializer,
    DescribeAccountSerializer,
    OpenAccountSerializer,
    ReasonSerializer,
)

# The accounts of the examples, opened at OPENED_AT: a UUIDv7 begins with its time.
OPENED_AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
ACCOUNT_ID = "019b8d7d-f1c0-7000-8000-000000000001"
OTHER_ACCOUNT_ID = "019b8d7d-f1c0-7000-8000-000000000002"
# What is closed or frozen when tried out, no other example needs.
EMPTY_ACCOUNT_ID = "019b8d7d-f1c0-7000-8000-000000000003"
FROZEN_ACCOUNT_ID = "019b8d7d-f1c0-7000-8000-000000000004"

# Who may do it, where it is said more than once.
ANYONE = "anyone; no token is needed."
READER = "the owner of the account, and holders of the permission `accounts.read_any`."
PUBLIC_READER = f"{READER} The operator may let anyone read it who knows the id."


def owner_or(permission: str, owner: str = "the owner of the account") -> str:
    """Return who may do what others than the owner need a permission for, besides seeing it."""
    return f"{owner}, and holders of `accounts.read_any` and `{permission}`."


def holders_of(*permissions: str) -> str:
    """Return who may do what nobody may without these permissions."""
    named = " and ".join(f"`{permission}`" for permission in permissions)
    return f"holders of {named}. In the demo data, log in as `admin` and **Authorize** its token."


@dataclass(frozen=True, kw_only=True)
class Operation:
    """
    What is said of one operation. Each example has its title as its key.

    ``who`` may do it. ``also`` has the answers with the body of a success and another status, and
    ``evidence`` is what a refusal of this operation has beside its own, if it has an ``index``.
    ``tried_on`` is the id that its path has as an example, where the common one wouldn't do.
    ``refusals`` are the rules of the ledger that may refuse it, and ``codes`` are the codes of
    other errors that don't follow from the view.
    """

    id: str
    summary: str
    tag: str
    who: str
    description: str = ""
    tried_on: str = ""
    parameters: tuple[OpenApiParameter, ...] = ()
    request: type[serializers.Serializer] | None = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    response: Any = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    csv: str = ""
    location: str = ""
    refusals: tuple[type[LedgerError], ...] = ()
    codes: tuple[str, ...] = ()


class NextCursorField(serializers.CharField):
    """Where the next page begins."""

    def __init__(self) -> None:
        help_text = "Give it as `cursor` to get the next page; null on the last."
        super().__init__(read_only=True, allow_null=True, help_text=help_text)


class AccountPageSerializer(serializers.Serializer):
    """Accounts, newest first."""

    items = AccountSerializer(many=True, read_only=True)
    next_cursor = NextCursorField()


ACCOUNT: dict[str, Any] = {
    "id": ACCOUNT_ID,
    "owner_name": "Ada Lovelace",
    "currency": "USD",
    "status": "OPEN",
    "balance": 100_00,
    "held": 0,
    "available": 100_00,
    "overdraft_limit": 0,
    "version": 1,
    "metadata": {"purpose": "household"},
    "created_at": "2026-01-05T09:30:00.000000Z",
}
NEW_ACCOUNT = {**ACCOUNT, "balance": 0, "available": 0, "version": 0}

REFUSALS: tuple[LedgerError, ...] = (
    AccountNotFound(ACCOUNT_ID),
    AccountFrozen(ACCOUNT_ID),
    AccountClosed(ACCOUNT_ID),
    AccountNotEmpty(ACCOUNT_ID, 100_00, 0),
)

ACCOUNTS = {
    "create": Operation(
        id="openAccount",
        summary="Open an account",
        tag="Accounts",
        who="anyone who is logged in.",
        description="The account belongs to the caller, and its balance is 0.",
        request=OpenAccountSerializer,
        requests={
            "In US dollars": {
                "owner_name": "Ada Lovelace",
                "currency": "USD",
                "metadata": {"purpose": "household"},
            },
            "With a name alone": {"owner_name": "Grace Hopper"},
        },
        status=201,
        response=AccountSerializer,
        answers={"Opened": NEW_ACCOUNT},
        location=f"/accounts/{ACCOUNT_ID}",
    ),
    "list": Operation(
        id="listAccounts",
        summary="List accounts",
        tag="Accounts",
        who="anyone who is logged in. They see their own accounts, and holders of "
        "`accounts.read_any` all of them.",
        description="Newest first.",
        response=AccountPageSerializer,
        answers={"The only page": {"items": [ACCOUNT], "next_cursor": None}},
    ),
    "retrieve": Operation(
        id="getAccount",
        summary="Look at an account",
        tag="Accounts",
        who=PUBLIC_READER,
        response=AccountSerializer,
        answers={"An account": ACCOUNT},
        refusals=(AccountNotFound,),
    ),
    "partial_update": Operation(
        id="describeAccount",
        summary="Rename an account or replace its metadata",
        tag="Accounts",
        who=owner_or("accounts.describe_any"),
        description="What is left out stays as it is. `metadata` is replaced as a whole.",
        request=DescribeAccountSerializer,
        requests={
            "A new name": {"owner_name": "Ada King"},
            "New metadata": {"metadata": {"purpose": "travel"}},
        },
        response=AccountSerializer,
        answers={"Renamed": {**ACCOUNT, "owner_name": "Ada King"}},
        refusals=(AccountNotFound,),
        codes=("permission_denied",),
    ),
    "close": Operation(
        id="closeAccount",
        summary="Close an account",
        tag="Accounts",
        who=owner_or("accounts.close_any"),
        description="For good. Its balance and its holds must be 0; closing it again is no error.",
        tried_on=EMPTY_ACCOUNT_ID,
        request=ReasonSerializer,
        requests={"With a reason": {"reason": "Moved to another bank"}, "Without": {}},
        response=AccountSerializer,
        answers={"Closed": {**NEW_ACCOUNT, "id": EMPTY_ACCOUNT_ID, "status": "CLOSED"}},
        refusals=(AccountNotFound, AccountFrozen, AccountNotEmpty),
        codes=("permission_denied",),
    ),
    "freeze": Operation(
        id="freezeAccount",
        summary="Freeze an account",
        tag="Accounts",
        who=holders_of("accounts.read_any", "accounts.freeze"),
        description="Nothing moves in or out until it is unfrozen.",
        tried_on=FROZEN_ACCOUNT_ID,
        request=ReasonSerializer,
        requests={"With a reason": {"reason": "Reported as stolen"}, "Without": {}},
        response=AccountSerializer,
        answers={"Frozen": {**ACCOUNT, "id": FROZEN_ACCOUNT_ID, "status": "FROZEN"}},
        refusals=(AccountNotFound, AccountClosed),
        codes=("permission_denied",),
    ),
    "unfreeze": Operation(
        id="unfreezeAccount",
        summary="Unfreeze an account",
        tag="Accounts",
        who=holders_of("accounts.read_any", "accounts.freeze"),
        description="Money moves again.",
        tried_on=FROZEN_ACCOUNT_ID,
        request=ReasonSerializer,
        requests={
            "With a reason": {"reason": "Found to be the owner's own payment"},
            "Without": {},
        },
        response=AccountSerializer,
        answers={"Open again": {**ACCOUNT, "id": FROZEN_ACCOUNT_ID}},
        refusals=(AccountNotFound, AccountClosed),
        codes=("permission_denied",),
    ),
}
