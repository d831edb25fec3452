"""The operations on accounts as OpenAPI shows them, in one table."""

from rest_framework import serializers

from accounts.examples import (
    ACCOUNT,
    ACCOUNT_ID,
    EMPTY_ACCOUNT_ID,
    FROZEN_ACCOUNT_ID,
    NEW_ACCOUNT,
)
from accounts.exceptions import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    AccountNotFound,
)
from accounts.serializers import (
    AccountSerializer,
    DescribeAccountSerializer,
    OpenAccountSerializer,
    ReasonSerializer,
)
from api.errors import LedgerError
from api.fields import NextCursorField
from api.operations import PUBLIC_READER, Operation, holders_of, owner_or


class AccountPageSerializer(serializers.Serializer):
    """Accounts, newest first."""

    items = AccountSerializer(many=True, read_only=True)
    next_cursor = NextCursorField()


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
