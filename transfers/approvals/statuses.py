"""What can wait for approval, and what becomes of it."""

from accounts.enums import Explained
from transfers.kinds import Kind


class ApprovalKind(Explained):
    """What a person asked for."""

    DEPOSIT = Kind.DEPOSIT.value, "a deposit."
    WITHDRAWAL = Kind.WITHDRAWAL.value, "a withdrawal."
    TRANSFER = Kind.TRANSFER.value, "a transfer between two accounts."
    HOLD = Kind.HOLD.value, "a hold, which expires `expires_in` seconds after it is approved."
    REVERSAL = Kind.REVERSAL.value, "the reversal of the transfer `reverses_id`."
    OVERDRAFT_LIMIT = (
        "OVERDRAFT_LIMIT",
        "the overdraft limit `amount` for the account `account_id`.",
    )


class ApprovalStatus(Explained):
    """The outcome of a request."""

    PENDING = "PENDING", "it waits for a second person. Nothing was done yet."
    APPROVED = "APPROVED", "it was approved by `decided_by` and carried out at that moment."
    DECLINED = "DECLINED", "it was declined by `decided_by`. Nothing was done."
    WITHDRAWN = "WITHDRAWN", "the requester has withdrawn it. Nothing was done."
