"""The types of events."""

from accounts.enums import Explained


class EventType(Explained):
    """What happened, with its meaning for the API's documentation."""

    TRANSFER_POSTED = "transfer.posted", "money moved; `data` is the transfer."
    HOLD_CREATED = "hold.created", "an amount was reserved; `data` is the hold."
    HOLD_CAPTURED = "hold.captured", "a hold was captured; `data` is the CAPTURE."
    HOLD_VOIDED = "hold.voided", "a hold was released by a user; `data` is the VOID."
    HOLD_EXPIRED = "hold.expired", "the ledger released an expired hold; `data` is the VOID."
    ACCOUNT_OPENED = "account.opened", "an account was opened; `data` is the account."
    ACCOUNT_UPDATED = "account.updated", "the owner name or the metadata of an account changed."
    ACCOUNT_FROZEN = "account.frozen", "an account was frozen."
    ACCOUNT_UNFROZEN = "account.unfrozen", "an account was unfrozen."
    ACCOUNT_CLOSED = "account.closed", "an account was closed."
    ACCOUNT_LIMIT_CHANGED = "account.limit_changed", "the overdraft limit of an account changed."

    @property
    def concerns_account(self) -> bool:
        """Whether ``data`` is an account. Otherwise it is a transfer."""
        return self.value.startswith("account.")
