"""Errors of transfers. Each names the rule that was broken, with the figures that broke it."""

from datetime import datetime
from typing import Self
from uuid import UUID

from accounts.enums import MONEY_MAX
from accounts.examples import ACCOUNT_ID
from accounts.exceptions import AccountClosed, AccountFrozen, AccountNotFound
from api.errors import LedgerError
from api.exceptions import PermissionDenied
from transfers.examples import HOLD_ID, NOON, TRANSFER_ID


class TransferNotFound(LedgerError):
    code = "transfer_not_found"
    status = 404
    meaning = "The transfer doesn't exist, or you may not see it."
    remedy = (
        "Check the id. To retry a POST or PATCH, use a new key: this response is stored under the "
        "old one."
    )

    def __init__(self, transfer_id: object) -> None:
        super().__init__(
            f"Transfer {transfer_id} doesn't exist, or you may not see it. Check the id."
        )

    @classmethod
    def example(cls) -> Self:
        return cls(TRANSFER_ID)


class SameAccount(LedgerError):
    code = "same_account"
    status = 400
    meaning = "The source and the destination are the same account."
    remedy = "Correct the ids."
    detail = "Cannot transfer to the same account"


class CurrencyMismatch(LedgerError):
    code = "currency_mismatch"
    status = 400
    meaning = "The source and the destination have different currencies."
    remedy = "Use two accounts with the same currency."
    figures = {
        "source_currency": (str, "The currency of the source: ISO 4217."),
        "dest_currency": (str, "The currency of the destination: ISO 4217."),
    }

    def __init__(self, source_currency: str, dest_currency: str) -> None:
        super().__init__(
            f"The source has the currency {source_currency} and the destination {dest_currency}. "
            "Use two accounts with the same currency.",
            source_currency=source_currency,
            dest_currency=dest_currency,
        )

    @classmethod
    def example(cls) -> Self:
        return cls("USD", "EUR")


class DestinationUnavailable(LedgerError):
    """
    An account that the caller may not see is frozen, closed or at the largest balance.

    The error doesn't depend on which account it is or on its state. It doesn't name a draft either:
    the position in a batch that is refused anyway would disclose a balance.
    """

    code = "destination_unavailable"
    meaning = (
        "An account that you may not see can't take part in this now. The reason isn't disclosed."
    )
    remedy = "Ask its owner, or use another account, with a new key."
    detail = (
        "An account that isn't yours can't take part in this transfer now. Ask its owner, or use "
        "another account, with a new Idempotency-Key. To find out which account of a batch it is, "
        "send the transfers separately."
    )


class InsufficientFunds(LedgerError):
    """``available`` is None if the caller may spend from the account but not see it."""

    code = "insufficient_funds"
    meaning = "The source has less `available` than is `required`; `shortfall` is the difference."
    remedy = "Fund the source or ask for less, with a new key."
    for_staff = "{account} has {available} available, and {required} is required."
    figures = {
        "available": (int, "What can be spent, in minor units."),
        "required": (int, "What would be needed, in minor units."),
        "shortfall": (int, "What is missing, in minor units."),
    }

    def __init__(self, account_id: UUID, *, available: int | None, required: int) -> None:
        figures = {"available": available, "required": required}
        if available is None:
            lacks, figures = "lacks the funds", {"required": required}
        else:
            figures["shortfall"] = required - available
            lacks = (
                f"lacks {figures['shortfall']}: {available} is available and {required} is required"
            )
        super().__init__(
            f"Account {account_id} {lacks}. Fund it, or ask for less, with a new Idempotency-Key.",
            account_id=account_id,
            **figures,
        )

    @classmethod
    def example(cls) -> Self:
        return cls(UUID(ACCOUNT_ID), available=20_00, required=25_00)


class BalanceLimitExceeded(LedgerError):
    code = "balance_limit_exceeded"
    meaning = "The account would exceed 2^53 - 1, the most that an account can hold."
    remedy = "Use another account."
    for_staff = "{account} would exceed {limit}, the most that an account can hold."

    def __init__(self, account_id: UUID, limit: int) -> None:
        super().__init__(
            f"Account {account_id} would exceed {limit}, the most that an account can hold. "
            "Use another account.",
            account_id=account_id,
            limit=limit,
        )

    @classmethod
    def example(cls) -> Self:
        return cls(UUID(ACCOUNT_ID), MONEY_MAX)


class NotAHold(LedgerError):
    code = "not_a_hold"
    meaning = "The transfer isn't a hold. Only a hold can be captured or voided."
    remedy = "Check the id. To undo a transfer, reverse it."
    figures = {"kind": (str, "The kind of the transfer.")}

    def __init__(self, transfer_id: UUID, kind: str) -> None:
        super().__init__(
            f"Transfer {transfer_id} is a {kind}. Only a HOLD can be captured or voided.", kind=kind
        )

    @classmethod
    def example(cls) -> Self:
        return cls(UUID(TRANSFER_ID), "TRANSFER")


class HoldAlreadyResolved(LedgerError):
    code = "hold_already_resolved"
    meaning = "The hold was already captured or voided."
    remedy = "Look at its status. If you still need a hold, place a new one."
    for_staff = "The hold was already captured or voided."

    def __init__(self, transfer_id: UUID) -> None:
        super().__init__(
            f"Hold {transfer_id} was already captured or voided. Look at its status. If you still "
            "need a hold, place a new one."
        )

    @classmethod
    def example(cls) -> Self:
        return cls(UUID(HOLD_ID))


class HoldExpired(LedgerError):
    code = "hold_expired"
    meaning = "The hold has expired."
    remedy = "Place a new hold."
    for_staff = "The hold has expired. The ledger releases it by itself."
    figures = {"expires_at": (datetime, "When the hold expired, in UTC.")}

    def __init__(self, transfer_id: UUID, expires_at: datetime) -> None:
        super().__init__(
            f"Hold {transfer_id} has expired. Place a new hold.", expires_at=expires_at
        )

    @classmethod
    def example(cls) -> Self:
        return cls(UUID(HOLD_ID), NOON)


class CaptureExceedsHold(LedgerError):
    code = "capture_exceeds_hold"
    meaning = "The amount is more than the hold reserves."
    remedy = "Capture at most `held`, with a new key."
    for_staff = "The hold reserves {held}, and {requested} was requested."
    figures = {"requested": (int, "What was asked for, in minor units.")}

    def __init__(self, transfer_id: UUID, *, held: int, requested: int) -> None:
        super().__init__(
            f"Hold {transfer_id} reserves {held}, but {requested} was requested. Capture at most "
            f"{held}, with a new Idempotency-Key.",
            held=held,
            requested=requested,
        )

    @classmethod
    def example(cls) -> Self:
        return cls(UUID(HOLD_ID), held=25_00, requested=30_00)


class AlreadyReversed(LedgerError):
    code = "already_reversed"
    meaning = "The transfer was already reversed. It can be reversed only once."
    remedy = "You don't need to do anything."
    for_staff = "It was already reversed, and can be reversed only once."

    def __init__(self, transfer_id: UUID) -> None:
        super().__init__(
            f"Transfer {transfer_id} was already reversed. It can be reversed only once."
        )

    @classmethod
    def example(cls) -> Self:
        return cls(UUID(TRANSFER_ID))


class NotReversible(LedgerError):
    code = "not_reversible"
    meaning = "A HOLD, VOID or REVERSAL can't be reversed."
    remedy = "Void a hold. To undo a reversal, make a new transfer."
    for_staff = (
        "Holds, voids and reversals can't be reversed. Void a hold. To undo a reversal, make a new "
        "transfer."
    )

    def __init__(self, transfer_id: UUID, kind: str) -> None:
        super().__init__(
            f"Transfer {transfer_id} is a {kind}, which can't be reversed. Void a hold. To undo a "
            "reversal, make a new transfer.",
            kind=kind,
        )

    @classmethod
    def example(cls) -> Self:
        return cls(UUID(HOLD_ID), "HOLD")


# ── The errors of each operation ─────────────────────────────────────────────────────────────────

CASH_ERRORS = (
    AccountNotFound,
    AccountFrozen,
    AccountClosed,
    DestinationUnavailable,
    PermissionDenied,
)
DEPOSIT_ERRORS = (*CASH_ERRORS, BalanceLimitExceeded)
WITHDRAWAL_ERRORS = (*CASH_ERRORS, InsufficientFunds)
ORDER_ERRORS = (
    AccountNotFound,
    AccountFrozen,
    AccountClosed,
    SameAccount,
    CurrencyMismatch,
    InsufficientFunds,
    BalanceLimitExceeded,
    DestinationUnavailable,
    PermissionDenied,
)
VOID_ERRORS = (
    TransferNotFound,
    NotAHold,
    HoldExpired,
    HoldAlreadyResolved,
    PermissionDenied,
)
CAPTURE_ERRORS = (
    *VOID_ERRORS,
    AccountFrozen,
    AccountClosed,
    CaptureExceedsHold,
    BalanceLimitExceeded,
    DestinationUnavailable,
)
REVERSAL_ERRORS = (
    TransferNotFound,
    AccountFrozen,
    AccountClosed,
    InsufficientFunds,
    BalanceLimitExceeded,
    DestinationUnavailable,
    AlreadyReversed,
    NotReversible,
    PermissionDenied,
)
