"""The refusals of a movement. Each names the rule broken, with the figures that broke it."""

from datetime import datetime
from uuid import UUID

from api.errors import LedgerError


class TransferNotFound(LedgerError):
    code = "transfer_not_found"
    status = 404

    def __init__(self, transfer_id: object) -> None:
        super().__init__(f"No transfer {transfer_id} is open to you. Check the id.")


class SameAccount(LedgerError):
    code = "same_account"
    status = 400

    def __init__(self) -> None:
        super().__init__("Cannot transfer to the same account")


class CurrencyMismatch(LedgerError):
    code = "currency_mismatch"
    status = 400

    def __init__(self, source_currency: str, dest_currency: str) -> None:
        super().__init__(
            f"The source holds {source_currency} and the dest {dest_currency}. Transfer between "
            "accounts of one currency.",
            source_currency=source_currency,
            dest_currency=dest_currency,
        )


class DestinationUnavailable(LedgerError):
    """
    An account that the caller may not see is frozen, closed or at its cap.

    It is the same whichever account it is and whatever its state. It names no draft either: in a
    batch that is refused in any case, the position of the refusal would tell a balance.
    """

    code = "destination_unavailable"

    def __init__(self) -> None:
        super().__init__(
            "An account that isn't yours can't take part in this now. Ask its owner, or use "
            "another account, with a new Idempotency-Key. To find out which account of a batch it "
            "is, send the transfers separately."
        )


class InsufficientFunds(LedgerError):
    """``available`` is None where the caller may spend from the account but not see it."""

    code = "insufficient_funds"

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


class BalanceLimitExceeded(LedgerError):
    code = "balance_limit_exceeded"

    def __init__(self, account_id: UUID, limit: int) -> None:
        super().__init__(
            f"Account {account_id} would pass {limit}, the most that an account can hold. "
            "Use another account.",
            account_id=account_id,
            limit=limit,
        )


class NotAHold(LedgerError):
    code = "not_a_hold"

    def __init__(self, transfer_id: UUID, kind: str) -> None:
        super().__init__(
            f"Transfer {transfer_id} is a {kind}. Only a HOLD can be captured or voided.", kind=kind
        )


class HoldAlreadyResolved(LedgerError):
    code = "hold_already_resolved"

    def __init__(self, transfer_id: UUID) -> None:
        super().__init__(
            f"Hold {transfer_id} was captured or voided before. Look at its status; place a new "
            "hold if you still need one."
        )


class HoldExpired(LedgerError):
    code = "hold_expired"

    def __init__(self, transfer_id: UUID, expires_at: datetime) -> None:
        super().__init__(
            f"Hold {transfer_id} has expired. Place a new hold.", expires_at=expires_at
        )


class CaptureExceedsHold(LedgerError):
    code = "capture_exceeds_hold"

    def __init__(self, transfer_id: UUID, *, held: int, requested: int) -> None:
        super().__init__(
            f"Hold {transfer_id} reserves {held}, and {requested} was asked for. Capture at most "
            "what is held.",
            held=held,
            requested=requested,
        )


class AlreadyReversed(LedgerError):
    code = "already_reversed"

    def __init__(self, transfer_id: UUID) -> None:
        super().__init__(f"Transfer {transfer_id} was reversed before. It can be reversed once.")


class NotReversible(LedgerError):
    code = "not_reversible"

    def __init__(self, transfer_id: UUID, kind: str) -> None:
        super().__init__(
            f"Transfer {transfer_id} is a {kind}, which can't be reversed. Void a hold; make a "
            "new transfer to undo a reversal.",
            kind=kind,
        )
