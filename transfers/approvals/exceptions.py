"""The errors of approvals. Plain Python."""

from typing import Self

from accounts.exceptions import OverdraftInUse
from api.errors import ApiError, LedgerError
from api.exceptions import PermissionDenied
from transfers.approvals.examples import APPROVAL_ID
from transfers.exceptions import ORDER_ERRORS, REVERSAL_ERRORS


class ApprovalNotFound(LedgerError):
    code = "approval_not_found"
    status = 404
    meaning = "The approval doesn't exist, or you may not see it."
    remedy = (
        "Check the id. To retry a POST, use a new key: this response is stored under the old one."
    )

    def __init__(self, approval_id: object) -> None:
        super().__init__(
            f"Approval {approval_id} doesn't exist, or you may not see it. Check the id."
        )

    @classmethod
    def example(cls) -> Self:
        return cls(APPROVAL_ID)


class OwnRequest(LedgerError):
    code = "own_request"
    status = 403
    meaning = "You asked for this yourself, and a second person must decide."
    remedy = "Ask somebody with the permission `transfers.approve`, or withdraw the request."
    detail = (
        "You asked for this yourself. Somebody else with the permission transfers.approve must "
        "approve or decline it. You can withdraw it."
    )
    for_staff = "You asked for it yourself, so somebody else must decide. You can withdraw it."


class AlreadyDecided(LedgerError):
    """:param decision: the status of the approval, such as ``APPROVED``"""

    code = "already_decided"
    meaning = "The request was already approved, declined or withdrawn, as `decision` says."
    remedy = "Retrieve the approval to see who decided and when."
    figures = {"decision": (str, "APPROVED, DECLINED or WITHDRAWN.")}

    def __init__(self, decision: str) -> None:
        super().__init__(
            f"This request was already {decision.lower()}. That can't be changed.",
            decision=decision,
        )

    @classmethod
    def example(cls) -> Self:
        return cls("APPROVED")


class RequesterNotAllowed(LedgerError):
    code = "requester_not_allowed"
    meaning = "The requester may no longer do this: they lost a permission, or were deactivated."
    remedy = "Decline the request, or give them the permission again and use a new key."
    for_staff = "The requester may no longer do it. Decline it."

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name}, who requested this, may no longer do it. Decline the request, or give "
            "them the permission again and use a new Idempotency-Key."
        )

    @classmethod
    def example(cls) -> Self:
        return cls("clerk")


# ── The errors of each operation ─────────────────────────────────────────────────────────────────

DECISION_ERRORS = (ApprovalNotFound, AlreadyDecided, PermissionDenied)
DECLINE_ERRORS = (*DECISION_ERRORS, OwnRequest)
_OF_REQUESTS: tuple[type[ApiError], ...] = (OverdraftInUse, *ORDER_ERRORS, *REVERSAL_ERRORS)
APPROVE_ERRORS = (
    *DECLINE_ERRORS,
    RequesterNotAllowed,
    # What the ledger may refuse when the request is carried out. A 404 becomes RequesterNotAllowed.
    *(each for each in _OF_REQUESTS if each.status != 404),
)
