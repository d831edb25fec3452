"""The operations on movements as OpenAPI shows them, in three tables (see ``accounts.schema``)."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from accounts.examples import ACCOUNT, ACCOUNT_ID
from accounts.exceptions import AccountClosed, AccountFrozen, AccountNotFound
from api.fields import EmptySerializer
from api.operations import PUBLIC_READER, READER, Operation, owner_or
from transfers import examples
from transfers.answers import (
    BatchAnswerSerializer,
    CashAnswerSerializer,
    StatementPageSerializer,
    TransferAnswerSerializer,
    TransferPageSerializer,
)
from transfers.exceptions import (
    AlreadyReversed,
    BalanceLimitExceeded,
    CaptureExceedsHold,
    CurrencyMismatch,
    DestinationUnavailable,
    HoldAlreadyResolved,
    HoldExpired,
    InsufficientFunds,
    NotAHold,
    NotReversible,
    SameAccount,
    TransferNotFound,
)
from transfers.serializers import (
    LARGEST_BATCH,
    BalanceSerializer,
    BatchSerializer,
    CaptureSerializer,
    CashSerializer,
    ReverseSerializer,
    TransferOrderSerializer,
    TransferSerializer,
)

# What a serializer checks across its fields.
ONLY_HOLDS_EXPIRE = {
    "expires_in": {"required": ["hold"], "properties": {"hold": {"const": True}}},
}

# ── The tables ───────────────────────────────────────────────────────────────────────────────────

_TELLER = (
    "the owner of the account, and holders of the permission `transfers.move_cash` at every "
    "account. The operator may leave it to the latter alone."
)
_CASH = (AccountNotFound, AccountFrozen, AccountClosed)
_ORDER = (
    *_CASH,
    SameAccount,
    CurrencyMismatch,
    InsufficientFunds,
    BalanceLimitExceeded,
    DestinationUnavailable,
)
_RESOLUTION = (TransferNotFound, NotAHold, HoldExpired, HoldAlreadyResolved)

CASH = {
    "deposit": Operation(
        id="deposit",
        summary="Deposit to an account",
        tag="Money",
        who=_TELLER,
        description="Brings money in from outside: a transfer of kind DEPOSIT.",
        request=CashSerializer,
        requests={"100 dollars": {"amount": 100_00, "memo": "Cash at the counter"}},
        response=CashAnswerSerializer,
        answers={"Deposited": {**ACCOUNT, "transfer_id": examples.TRANSFER_ID}},
        refusals=(*_CASH, BalanceLimitExceeded, DestinationUnavailable),
        codes=("permission_denied",),
    ),
    "withdraw": Operation(
        id="withdraw",
        summary="Withdraw from an account",
        tag="Money",
        who=_TELLER,
        description="Takes money out: a transfer of kind WITHDRAWAL.",
        request=CashSerializer,
        requests={"25 dollars": {"amount": 25_00, "memo": "Cash machine"}},
        response=CashAnswerSerializer,
        answers={"Withdrawn": {**examples.DEBITED, "transfer_id": examples.TRANSFER_ID}},
        refusals=(*_CASH, InsufficientFunds, DestinationUnavailable),
        codes=("permission_denied",),
    ),
}

STATEMENTS = {
    "list": Operation(
        id="getStatement",
        summary="Read an account's statement",
        tag="Statements",
        who=PUBLIC_READER,
        description="Every entry with the balance after it, newest first. With `from` or `to` also "
        "the opening and the closing balance of the whole range, the same on every page. "
        "`Accept: text/csv` streams the whole range at once; `limit` and `cursor` don't apply.",
        response=StatementPageSerializer,
        answers={
            "The only page": {"items": [examples.ITEM], "next_cursor": None},
            "With a range": {
                "items": [examples.ITEM],
                "next_cursor": None,
                "opening_balance": 100_00,
                "closing_balance": 75_00,
            },
        },
        csv=examples.STATEMENT_CSV,
        refusals=(AccountNotFound,),
    ),
    "balance": Operation(
        id="getBalance",
        summary="Read an account's balance at any time",
        tag="Statements",
        who=READER,
        description="What was said of an instant stays true, whatever is posted later.",
        parameters=(
            OpenApiParameter(
                "at",
                OpenApiTypes.DATETIME,
                description="This instant included, and not in the future; now if absent. RFC 3339 "
                "with an offset: `2026-01-31T12:00:00Z`.",
            ),
        ),
        response=BalanceSerializer,
        answers={
            "At noon": {
                "account_id": ACCOUNT_ID,
                "currency": "USD",
                "at": "2026-01-31T12:00:00.000000Z",
                "balance": 75_00,
                "sequence": 2,
            }
        },
        refusals=(AccountNotFound,),
    ),
}

TRANSFERS = {
    "create": Operation(
        id="createTransfer",
        summary="Transfer money, or hold it",
        tag="Transfers",
        who=owner_or("transfers.move_any", "the owner of the source"),
        description="Moves money to any other account of the same currency. With `hold` it is "
        "only reserved, until it is captured, voided or expires.",
        request=TransferOrderSerializer,
        requests={"A transfer": examples.ORDER, "A hold for a day": examples.HOLD_ORDER},
        status=201,
        response=TransferAnswerSerializer,
        answers={
            "Posted": {**examples.TRANSFER, "source": examples.DEBITED, "dest": examples.STRANGER},
            "Held": {**examples.PENDING, "source": examples.RESERVED, "dest": examples.STRANGER},
        },
        location=f"/transfers/{examples.TRANSFER_ID}",
        refusals=_ORDER,
        codes=("permission_denied",),
    ),
    "list": Operation(
        id="listTransfers",
        summary="List transfers",
        tag="Transfers",
        who="anyone who is logged in. They see what touches their own accounts, and holders of "
        "`accounts.read_any` everything.",
        description="Newest first.",
        response=TransferPageSerializer,
        answers={"The only page": {"items": [examples.TRANSFER], "next_cursor": None}},
        refusals=(AccountNotFound,),
    ),
    "retrieve": Operation(
        id="getTransfer",
        summary="Look at a transfer",
        tag="Transfers",
        who="the owners of its source and dest, and holders of `accounts.read_any`.",
        response=TransferSerializer,
        answers={"A transfer": examples.TRANSFER, "A hold": examples.PENDING},
        refusals=(TransferNotFound,),
    ),
    "capture": Operation(
        id="captureHold",
        summary="Capture a hold",
        tag="Transfers",
        who=owner_or("transfers.move_any", "the owner of the dest of the hold"),
        description="Moves what was held to its dest, all of it if no `amount` is named; the rest "
        "is released. Its memo is the hold's if none is given.",
        tried_on=examples.HOLD_ID,
        request=CaptureSerializer,
        requests={"25 dollars of it": {"amount": 25_00}},
        status=201,
        response=TransferAnswerSerializer,
        answers={
            "Captured": {
                **examples.CAPTURE,
                "source": {"id": ACCOUNT_ID},
                "dest": examples.CREDITED,
            }
        },
        location=f"/transfers/{examples.OTHER_TRANSFER_ID}",
        refusals=(
            *_RESOLUTION,
            *_CASH[1:],
            CaptureExceedsHold,
            BalanceLimitExceeded,
            DestinationUnavailable,
        ),
        codes=("permission_denied",),
    ),
    "void": Operation(
        id="voidHold",
        summary="Void a hold",
        tag="Transfers",
        who=owner_or("transfers.move_any", "the owners of the source and dest of the hold"),
        description="Releases what was held.",
        tried_on=examples.OTHER_HOLD_ID,
        request=EmptySerializer,
        requests={"Nothing to say": {}},
        status=201,
        response=TransferAnswerSerializer,
        answers={"Voided": {**examples.VOID, "source": ACCOUNT, "dest": examples.STRANGER}},
        location=f"/transfers/{examples.OTHER_TRANSFER_ID}",
        refusals=_RESOLUTION,
        codes=("permission_denied",),
    ),
    "reverse": Operation(
        id="reverseTransfer",
        summary="Reverse a transfer",
        tag="Transfers",
        who=f"{owner_or('transfers.reverse_any', 'the owner of its dest')} A deposit or withdrawal "
        "is reversed by those who may also move cash at the account.",
        description="Gives it back, once and whole, if its dest can afford it.",
        request=ReverseSerializer,
        requests={"With a reason": {"memo": "Paid twice"}},
        status=201,
        response=TransferAnswerSerializer,
        answers={
            "Reversed": {
                **examples.REVERSAL,
                "source": examples.EMPTIED,
                "dest": {"id": ACCOUNT_ID},
            }
        },
        location=f"/transfers/{examples.OTHER_TRANSFER_ID}",
        refusals=(
            TransferNotFound,
            *_CASH[1:],
            InsufficientFunds,
            BalanceLimitExceeded,
            DestinationUnavailable,
            AlreadyReversed,
            NotReversible,
        ),
        codes=("permission_denied",),
    ),
}

BATCHES = {
    "create": Operation(
        id="createBatch",
        summary=f"Post up to {LARGEST_BATCH:,} transfers, all or nothing",
        tag="Transfers",
        who=owner_or("transfers.move_any", "the owner of every source"),
        description="They are posted in order, each seeing the effect of those before it. An error "
        "names its item by `pointer` and `index`, except `destination_unavailable`, and nothing of "
        "the batch has happened.",
        request=BatchSerializer,
        requests={
            "Two transfers": {
                "transfers": [
                    examples.ORDER,
                    {**examples.ORDER, "amount": 5_00, "memo": "Water for January", "metadata": {}},
                ]
            }
        },
        status=201,
        response=BatchAnswerSerializer,
        answers={"Posted": {"transfers": [examples.TRANSFER]}},
        evidence={"insufficient_funds": {"pointer": "#/transfers/1", "index": 1}},
        refusals=_ORDER,
        codes=("permission_denied",),
    ),
}
