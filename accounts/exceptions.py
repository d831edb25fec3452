"""The errors of accounts. Each says which rule was broken and what to do about it."""

from typing import Self
from uuid import UUID

from accounts.examples import ACCOUNT_ID
from api.errors import LedgerError
from api.exceptions import PermissionDenied, TemporarilyUnavailable


class AccountNotFound(LedgerError):
    code = "account_not_found"
    status = 404
    meaning = "The account doesn't exist, or you may not see it."
    remedy = (
        "Check the id. To retry a POST or PATCH, use a new key: this response is stored under the "
        "old one."
    )
    for_staff = "It is an EXTERNAL account, which can't be changed."

    def __init__(self, account_id: object) -> None:
        super().__init__(
            f"Account {account_id} doesn't exist, or you may not see it. Check the id."
        )

    @classmethod
    def example(cls) -> Self:
        return cls(ACCOUNT_ID)


class HistoryMayGrow(TemporarilyUnavailable):
    """A database that can only be read doesn't know yet what was posted up to an instant."""

    detail = (
        "This database is a standby and doesn't know yet whether more was posted to the account "
        "up to this time. Retry later, or send the request to the primary."
    )


class AccountFrozen(LedgerError):
    code = "account_frozen"
    meaning = "The account is frozen. No money can move in or out."
    remedy = "Ask an operator to unfreeze it, then use a new key."
    for_staff = "{account} is frozen. Unfreeze it first."
    figures = {"account_id": (UUID, "The account that the error is about.")}

    def __init__(self, account_id: object) -> None:
        super().__init__(
            f"Account {account_id} is frozen. Ask an operator to unfreeze it, then use a new "
            "Idempotency-Key.",
            account_id=account_id,
        )

    @classmethod
    def example(cls) -> Self:
        return cls(ACCOUNT_ID)


class AccountClosed(LedgerError):
    code = "account_closed"
    meaning = "The account is closed. This can't be undone."
    remedy = "Use another account."
    for_staff = "{account} is closed. This can't be undone."

    def __init__(self, account_id: object) -> None:
        super().__init__(
            f"Account {account_id} is closed. This can't be undone. Use another account.",
            account_id=account_id,
        )

    @classmethod
    def example(cls) -> Self:
        return cls(ACCOUNT_ID)


class AccountNotEmpty(LedgerError):
    code = "account_not_empty"
    meaning = "The account can't be closed, because it has a balance or a pending hold."
    remedy = "Move the balance out and resolve the holds, then use a new key."
    for_staff = "{account} has a balance of {balance}, and {held} is held. Both must be zero first."
    figures = {
        "balance": (int, "The balance, in minor units."),
        "held": (int, "What is reserved by holds, in minor units."),
    }

    def __init__(self, account_id: object, balance: int, held: int) -> None:
        super().__init__(
            f"Account {account_id} still has a balance or a hold. Move the balance out and "
            "resolve its holds, then close it with a new Idempotency-Key.",
            account_id=account_id,
            balance=balance,
            held=held,
        )

    @classmethod
    def example(cls) -> Self:
        return cls(ACCOUNT_ID, 100_00, 0)


class OverdraftInUse(LedgerError):
    """Limits are set in the admin. In the API, only the approval of one can raise this."""

    code = "overdraft_in_use"
    meaning = "The account already uses more of its overdraft than the new limit allows."
    remedy = "Set a limit of at least `used`."
    for_staff = "{account} already uses {used} of its overdraft. Set a limit of at least that."
    figures = {
        "used": (int, "How much of the overdraft is in use, in minor units."),
        "limit": (int, "The largest amount possible, in minor units."),
    }

    def __init__(self, account_id: object, used: int, limit: int) -> None:
        super().__init__(
            f"Account {account_id} already uses {used} of its overdraft, in minor units. Set a "
            "limit of at least that.",
            account_id=account_id,
            used=used,
            limit=limit,
        )

    @classmethod
    def example(cls) -> Self:
        return cls(ACCOUNT_ID, used=25_00, limit=20_00)


class ApprovalRequired(LedgerError):
    """:param threshold: the amount from which on a second person must approve, in minor units"""

    code = "approval_required"
    meaning = (
        "Only a permission allows this, and from `threshold` on a second person must approve it. "
        "A transfer of a batch can't wait for that."
    )
    remedy = "Send the transfer by itself, with a new key. It then waits for approval."
    for_staff = "From {threshold} on, a second person must approve it."
    figures = {"threshold": (int, "From which amount on approval is needed, in minor units.")}

    def __init__(self, threshold: int) -> None:
        super().__init__(
            f"From {threshold} on, in minor units, a second person must approve this. Send the "
            "transfer by itself, with a new Idempotency-Key. It then waits for approval.",
            threshold=threshold,
        )

    @classmethod
    def example(cls) -> Self:
        return cls(1_000_00)


# ── The errors of each operation ─────────────────────────────────────────────────────────────────

DESCRIBE_ERRORS = (AccountNotFound, PermissionDenied)
CLOSE_ERRORS = (AccountNotFound, AccountFrozen, AccountNotEmpty, PermissionDenied)
FREEZE_ERRORS = (AccountNotFound, AccountClosed, PermissionDenied)
