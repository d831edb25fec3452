"""The actions on a transfer: reverse it, or capture or void a hold."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.admin.acting import Names
from accounts.admin.action_form import ActionForm
from accounts.admin.action_page import NOTHING, REFUSALS, ActionPage
from accounts.admin.amount import MoneyField
from accounts.admin.pages import money_shown
from accounts.enums import AccountKind
from accounts.models import Account
from transfers import services
from transfers.admin.links import memo_of, transfer_link
from transfers.admin.moving import MemoForm
from transfers.admin.waiting import MayWait, waiting_reversal
from transfers.approvals.models import Approval
from transfers.approvals.services import ask_for_reversal
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.querysets import TransferStatus


class CaptureForm(MemoForm):
    amount = MoneyField(
        label="Amount",
        smallest=1,
        help_text="Less than the hold reserves captures a part; the rest is released.",
    )


class TransferAction(ActionPage):
    """An action on a transfer. The preview shows both customers' accounts."""

    form: ClassVar[type[ActionForm]] = MemoForm

    def accounts_of(self, row: Transfer, data: Mapping[str, Any]) -> Sequence[Account]:
        parties = (row.source, row.dest)
        return [account for account in parties if account.kind == AccountKind.CUSTOMER]

    def names(self, row: Transfer, data: Mapping[str, Any] = NOTHING) -> Names:
        return {row.source_id: row.source, row.dest_id: row.dest}

    def memo(self, row: Transfer) -> str:
        return memo_of(row)


class Reverse(MayWait, TransferAction):
    name, label, done = "reverse", "Reverse", "reversed"
    summary = (
        "Moves the full amount back, also from or to a frozen account. A transfer can be reversed "
        "only once."
    )
    permission = Kind.REVERSAL.rules.permission

    def is_offered(self, row: Transfer) -> bool:
        return Kind(row.kind).rules.reversible and row.status is TransferStatus.POSTED

    def impossible(self, row: Transfer, actor: Any) -> str | None:
        # For any other transfer, the preview says why it can't be reversed.
        waiting = waiting_reversal(row) if self.is_offered(row) else None
        try:
            # Asking again would return the approval that waits, and drop the second reason. Those
            # who need no approval can still reverse it at once.
            again = waiting is not None and self.must_wait(row, actor, {"reason": ""})
        except REFUSALS:
            return None
        return waiting if again else None

    def do(
        self, row: Transfer, actor: Any, data: Mapping[str, Any], *, is_approved: bool
    ) -> Transfer:
        memo = data["reason"]
        return services.reverse(transfer_id=row.pk, actor=actor, memo=memo, is_approved=is_approved)

    def ask(self, row: Transfer, actor: Any, data: Mapping[str, Any]) -> Approval:
        return ask_for_reversal(transfer_id=row.pk, actor=actor, memo=data["reason"])


class Resolution(TransferAction):
    """An action that ends a hold. It leads to the page of the account whose money was held."""

    def is_offered(self, row: Transfer) -> bool:
        return row.status is TransferStatus.PENDING

    def after(self, row: Transfer, result: Transfer) -> str:
        return reverse("admin:accounts_account_change", args=[row.source_id])

    def outcome(self, row: Transfer, result: Transfer) -> str:
        return format_html("{} is now {}: {}.", row, self.done, transfer_link(result))


class Capture(Resolution):
    name, label, done = "capture", "Capture", "captured"
    summary = "Moves the held amount to its destination, or a part of it and releases the rest."
    permission = Kind.CAPTURE.rules.permission
    form = CaptureForm

    def initial(self, request: HttpRequest, row: Transfer) -> dict[str, Any]:
        return {"amount": row.amount}

    def outcome(self, row: Transfer, result: Transfer) -> str:
        captured, held = (money_shown(each.amount, each.currency) for each in (result, row))
        return format_html(
            "{} of the hold of {} was captured: {}.", captured, held, transfer_link(result)
        )

    def impossible(self, row: Transfer, actor: Any) -> str | None:
        if self.is_offered(row):
            return None
        # It isn't a hold, or not a pending one. The ledger says which, whatever the amount.
        data = {"amount": row.amount, "reason": ""}
        try:
            self.effects(row, actor, data)
        except REFUSALS as refusal:
            return self.why_not(refusal, row, data)
        return None

    def act(self, row: Transfer, actor: Any, data: Mapping[str, Any]) -> Transfer:
        return services.capture(
            hold_id=row.pk, actor=actor, amount=data["amount"], memo=data["reason"]
        )


class Void(Resolution):
    name, label, done = "void", "Void", "voided"
    summary = "Releases the held amount, so that it is available again. No money moves."
    permission = Kind.VOID.rules.permission

    def act(self, row: Transfer, actor: Any, data: Mapping[str, Any]) -> Transfer:
        return services.void(hold_id=row.pk, actor=actor, memo=data["reason"])
