"""The actions on an approval: approve, decline or withdraw it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db import transaction
from django.http import HttpRequest

from accounts.admin.acting import Names
from accounts.admin.action_form import ActionForm
from accounts.admin.action_page import NOTHING, ActionPage
from accounts.admin.pages import DASH, time_shown
from accounts.admin.preview import Effect
from accounts.enums import AccountKind
from accounts.models import LONGEST_REASON, Account
from transfers.admin.links import transfer_in_words
from transfers.approvals import services
from transfers.approvals.models import Approval
from transfers.approvals.statuses import ApprovalStatus


class NoteForm(ActionForm):
    reason = forms.CharField(
        label="Note", max_length=LONGEST_REASON, required=False, widget=AdminTextInputWidget
    )


class Decision(ActionPage):
    """
    A decision about an approval. The page shows who asked for it, when and why, and the preview
    shows the customers' accounts.
    """

    template = "admin/approvals/decision.html"

    def extra(self, request: HttpRequest, row: Approval) -> dict[str, Any]:
        return {"asked": list(_asked(row))}

    def is_offered(self, row: Approval) -> bool:
        return row.status == ApprovalStatus.PENDING

    def accounts_of(self, row: Approval, data: Mapping[str, Any]) -> Sequence[Account]:
        parties = (row.account, row.source, row.dest)
        return [each for each in parties if each and each.kind == AccountKind.CUSTOMER]

    def names(self, row: Approval, data: Mapping[str, Any] = NOTHING) -> Names:
        return {each.pk: each for each in self.accounts_of(row, data)}

    def locked(self, row: Approval, data: Mapping[str, Any]) -> dict[UUID, Account]:
        # The approval comes first, as when it is carried out, so that the two can't deadlock.
        Approval.objects.select_for_update(no_key=True).get(pk=row.pk)
        return super().locked(row, data)

    def effects(self, row: Approval, actor: Any, data: Mapping[str, Any]) -> list[Effect]:
        with transaction.atomic():
            self.locked(row, data)
            return super().effects(row, actor, data)


class Approve(Decision):
    name, label, done = "approve", "Approve", "approved"
    summary = "It is carried out at once, exactly as it was asked for."
    permission = "transfers.approve"
    form: ClassVar[type[ActionForm]] = NoteForm

    def act(self, row: Approval, actor: Any, data: Mapping[str, Any]) -> Approval:
        return services.approve(approval_id=row.pk, actor=actor, note=data["reason"])

    def stored(self, result: Approval) -> dict[str, str]:
        stored = super().stored(result)
        # A limit has none.
        return {**stored, "transfer_id": str(result.transfer_id)} if result.transfer_id else stored


class Decline(Decision):
    name, label, done = "decline", "Decline", "declined"
    summary = "Nothing is done, and it can't be approved any more."
    permission = "transfers.approve"

    def act(self, row: Approval, actor: Any, data: Mapping[str, Any]) -> Approval:
        return services.decline(approval_id=row.pk, actor=actor, reason=data["reason"])


class Withdraw(Decision):
    name, label, done = "withdraw", "Withdraw", "withdrawn"
    summary = "Nothing is done, and it can't be approved any more."
    # Everybody who sees the page has it. The service checks that they are the requester.
    permission = "accounts.read_any"
    form: ClassVar[type[ActionForm]] = NoteForm

    def act(self, row: Approval, actor: Any, data: Mapping[str, Any]) -> Approval:
        return services.withdraw(approval_id=row.pk, actor=actor, note=data["reason"])


def _asked(approval: Approval) -> Iterator[tuple[str, str]]:
    """Yield the labels and values of what the figures of a preview don't tell."""
    yield "Requested by", approval.requested_by.get_username()
    yield "Requested at", time_shown(approval.requested_at)
    yield "Reason", approval.memo or DASH
    if approval.reverses is not None:
        yield "Reverses", transfer_in_words(approval.reverses)
