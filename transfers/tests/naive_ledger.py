"""
A naive ledger to compare the engine with.

It stores only the accepted drafts, and recomputes every figure from them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from accounts.enums import MONEY_MAX, AccountStatus
from transfers.kinds import Kind
from transfers.posting import Draft


@dataclass(frozen=True)
class Happened:
    """One accepted draft."""

    id: UUID
    draft: Draft
    at: datetime
    expires_at: datetime | None = None


@dataclass
class NaiveLedger:
    """``currencies``, ``statuses`` and ``limits`` are by account. EXTERNAL has no status."""

    currencies: dict[UUID, str]
    statuses: dict[UUID, AccountStatus]
    limits: dict[UUID, int]
    past: list[Happened] = field(default_factory=list)

    def balance(self, account: UUID) -> int:
        moves = [each.draft for each in self.past if each.draft.kind not in ("HOLD", "VOID")]
        gains = sum(draft.amount for draft in moves if draft.dest == account)
        return gains - sum(draft.amount for draft in moves if draft.source == account)

    def holds(self) -> list[Happened]:
        return [each for each in self.past if each.draft.kind == "HOLD"]

    def moves(self) -> list[Happened]:
        return [each for each in self.past if each.draft.kind not in ("HOLD", "VOID")]

    def done_at(self) -> dict[UUID, datetime]:
        """Return when transfers were captured, voided or reversed, by id."""
        return {each.draft.original.id: each.at for each in self.past if each.draft.original}

    def held(self, account: UUID) -> int:
        done = self.done_at()
        open_holds = [each.draft for each in self.holds() if each.id not in done]
        return sum(draft.amount for draft in open_holds if draft.source == account)

    def available(self, account: UUID) -> int:
        return self.balance(account) - self.held(account) + self.limits[account]

    def rule_broken(self, draft: Draft, now: datetime) -> str | None:
        """Return the code of the first rule that a draft breaks, or None."""
        if draft.source == draft.dest:
            return "same_account"
        return (
            self._original_refused(draft, now)
            or (None if draft.kind == "VOID" else self._status_refused(draft))
            or (None if draft.kind == "VOID" else self._money_refused(draft))
        )

    def _original_refused(self, draft: Draft, now: datetime) -> str | None:
        original = draft.original
        if original is None:
            return None
        done_at = self.done_at().get(original.id)
        if draft.kind == "REVERSAL":
            if original.kind in ("HOLD", "VOID", "REVERSAL"):
                return "not_reversible"
            return "already_reversed" if done_at else None
        if original.kind != "HOLD":
            return "not_a_hold"
        if done_at and (draft.by_expiry or done_at < original.expires_at):
            return "hold_already_resolved"
        if not draft.by_expiry and (done_at or now >= original.expires_at):
            return "hold_expired"
        return "capture_exceeds_hold" if draft.amount > original.amount else None

    def _status_refused(self, draft: Draft) -> str | None:
        excused = draft.kind == "REVERSAL" and draft.despite_freeze
        for account in (draft.source, draft.dest):
            status = self.statuses.get(account)
            if status == "CLOSED":
                return "account_closed"
            if status == "FROZEN" and not excused:
                return "account_frozen"
        if self.currencies[draft.source] != self.currencies[draft.dest]:
            return "currency_mismatch"
        return None

    def _money_refused(self, draft: Draft) -> str | None:
        source, dest = draft.source, draft.dest
        if source in self.statuses:
            released = draft.original.amount if draft.kind == Kind.CAPTURE else 0
            if draft.amount > self.available(source) + released:
                return "insufficient_funds"
            if draft.kind == "HOLD":
                over = self.held(source) + draft.amount > MONEY_MAX
                return "balance_limit_exceeded" if over else None
            if self.balance(source) - draft.amount < -MONEY_MAX:
                return "balance_limit_exceeded"
        if dest in self.statuses and self.balance(dest) + draft.amount > MONEY_MAX:
            return "balance_limit_exceeded"
        return None
