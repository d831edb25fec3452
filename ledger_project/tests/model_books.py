"""The state of the model ledger, and queries of it."""

from datetime import datetime


class ModelBooks:
    """The accounts, the transfers and the cash. ``now`` is the current time of the model."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.accounts: dict[str, dict] = {}
        self.transfers: list[dict] = []
        # Deposits minus withdrawals, by currency.
        self.cash = {"USD": 0, "EUR": 0}

    def listed(self, actor, account_id=None, kind=None, status=None) -> list[dict]:
        """Return the transfers of the actor's accounts, or of one of them, newest first."""
        return [
            each
            for each in reversed(self.transfers)
            if any(self._owns(actor, each[side]) for side in ("source", "dest"))
            and account_id in (None, each["source"], each["dest"])
            and kind in (None, each["kind"])
            and status in (None, self.status_of(each["place"]))
        ]

    def as_of(self, account_id, at) -> tuple[int, int]:
        """Return the balance and the number of entries up to and including ``at``."""
        lines = [each for each in self.accounts[account_id]["statement"] if each["ts"] <= at]
        return (lines[-1]["balance"] if lines else 0), len(lines)

    def status_of(self, place) -> str:
        transfer = self.transfers[place]
        done_at = transfer["resolved_at"]
        if transfer["kind"] != "HOLD":
            return "REVERSED" if done_at else "POSTED"
        if (done_at or self.now) >= transfer["expires_at"]:
            return "EXPIRED"
        return transfer["resolved_by"] if done_at else "PENDING"

    def _owns(self, actor, account_id) -> bool:
        return account_id is not None and actor in ("staff", self.accounts[account_id]["owner"])
