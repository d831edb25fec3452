"""Which table describes which view, and the tables of the shell's own operations."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.views import APIView

from accounts.examples import NEW_ACCOUNT
from accounts.schema import ACCOUNTS
from accounts.views import AccountViewSet
from api.operations import ANYONE, Operation
from audit.schema import INTEGRITY
from audit.views import IntegrityViewSet
from ledger_project.authentication import ACCESS_MINUTES, REFRESH_HOURS
from ledger_project.idempotency.views import IdempotencyKeySerializer, IdempotencyKeyView
from ledger_project.views import (
    LoginSerializer,
    LogoutView,
    RefreshSerializer,
    RefreshView,
    TokenPairSerializer,
    TokenView,
)
from transfers.schema import BATCHES, CASH, STATEMENTS, TRANSFERS
from transfers.views import BatchViewSet, CashViewSet, StatementViewSet, TransferViewSet

# Under which the demo data keep an answer.
EXAMPLE_KEY = "5f8a2c1e-7d43-4b0a-9c57-1e6f0a3b9d28"
_TOKENS = {"access": "eyJhbGciOiJIUzI1NiIs...", "refresh": "eyJhbGciOiJIUzI1NiIs..."}

LOG_IN = Operation(
    id="logIn",
    summary="Log in",
    tag="Authentication",
    who=ANYONE,
    description=f"Copy `access` into **Authorize**. It is good for {ACCESS_MINUTES} minutes, and "
    f"`refresh` once within {REFRESH_HOURS} hours.",
    request=LoginSerializer,
    requests={
        "The demo user": {"username": "demo", "password": "demo"},
        "The demo's staff": {"username": "admin", "password": "admin"},
    },
    response=TokenPairSerializer,
    answers={"Logged in": _TOKENS},
    codes=("authentication_failed",),
)

REFRESH = Operation(
    id="refreshToken",
    summary="Get a new pair of tokens",
    tag="Authentication",
    who=ANYONE,
    description="A refresh token works once. Its second use ends every refresh token of its user. "
    "Put in the one that you got by logging in.",
    request=RefreshSerializer,
    requests={"The refresh token": {"refresh": _TOKENS["refresh"]}},
    response=TokenPairSerializer,
    answers={"Refreshed": _TOKENS},
    codes=("token_not_valid",),
)

LOG_OUT = Operation(
    id="logOut",
    summary="Log out",
    tag="Authentication",
    who=ANYONE,
    description="Ends a refresh token: put in the one that you got by logging in. The access token "
    "runs out by itself.",
    request=RefreshSerializer,
    requests={"The refresh token": {"refresh": _TOKENS["refresh"]}},
    status=204,
    codes=("token_not_valid",),
)

LOOK_UP_KEY = Operation(
    id="getIdempotencyKey",
    summary="Look up the answer to an earlier request",
    tag="Idempotency",
    who="the user whose key it is, and nobody else.",
    description="For a client that lost its answer. 404 says that nothing was done.",
    parameters=(
        OpenApiParameter(
            "key",
            {"$ref": "#/components/schemas/Key"},
            OpenApiParameter.PATH,
            description="The `Idempotency-Key` that the request was sent with.",
            examples=[OpenApiExample("Of an opened account", EXAMPLE_KEY)],
        ),
    ),
    response=IdempotencyKeySerializer,
    answers={
        "An opened account": {
            "key": EXAMPLE_KEY,
            "method": "POST",
            "path": "/accounts",
            "created_at": NEW_ACCOUNT["created_at"],
            "response_status": 201,
            "response_body": NEW_ACCOUNT,
        }
    },
    codes=("idempotency_key_not_found",),
)

OPERATIONS: dict[type[APIView], dict[str, Operation]] = {
    TokenView: {"post": LOG_IN},
    RefreshView: {"post": REFRESH},
    LogoutView: {"post": LOG_OUT},
    AccountViewSet: ACCOUNTS,
    CashViewSet: CASH,
    StatementViewSet: STATEMENTS,
    TransferViewSet: TRANSFERS,
    BatchViewSet: BATCHES,
    IntegrityViewSet: INTEGRITY,
    IdempotencyKeyView: {"get": LOOK_UP_KEY},
}
