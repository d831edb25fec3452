"""Actions that may wait for the approval of a second person."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html

from accounts.admin.action_page import ActionPage
from accounts.admin.actions import SetLimit
from accounts.admin.pages import time_shown
from accounts.admin.preview import Effect, observed
from accounts.exceptions import ApprovalRequired
from accounts.models import Account
from accounts.services import set_overdraft_limit
from database.windows import keys_among
from transfers.approvals.models import PENDING, Approval
from transfers.approvals.services import ask_for_limit
from transfers.models import Transfer

# Among how many of the newest that wait those of an account or a transfer are searched.
MOST_SEARCHED = 1_000


def approval_link(approval: Approval) -> str:
    """Return a link to an approval's page, with what it asks for as its text."""
    return format_html('<a href="{}">{}</a>', _page_of(approval), approval)


def newest_pending() -> QuerySet[Approval]:
    """Return the newest approvals that wait, read from an index. There is none of their parties."""
    # A range of one value instead of an equality: see `querysets.newest_of_all`.
    status = {"status__gte": PENDING, "status__lte": PENDING}
    return Approval.objects.filter(**status).order_by("-status", "-pk")[:MOST_SEARCHED]


def waiting_reversal(transfer: Transfer) -> str | None:
    """Return a sentence with a link to the approval for which the reversal of a transfer waits."""
    asked = Approval.objects.filter(reverses=transfer).order_by("-pk")[:1]
    found = keys_among(newest_pending(), asked)
    approval = Approval.objects.select_related("requested_by").filter(pk__in=found).first()
    if approval is None:
        return None
    return format_html(
        'A reversal requested by {} at {} <a href="{}">waits for approval</a>.',
        approval.requested_by,
        time_shown(approval.requested_at),
        _page_of(approval),
    )


class MayWait(ActionPage):
    """An action that is carried out at once, or else waits for approval."""

    may_wait = True

    def do(self, row: Any, actor: Any, data: Mapping[str, Any], *, is_approved: bool) -> Any:
        """
        Carry out the action, and return what the service returns.

        :raises ApprovalRequired: if a second person must approve it, and ``is_approved`` is false
        """
        raise NotImplementedError

    def ask(self, row: Any, actor: Any, data: Mapping[str, Any]) -> Approval:
        """Ask for approval of the action."""
        raise NotImplementedError

    def act(self, row: Any, actor: Any, data: Mapping[str, Any]) -> Any:
        try:
            return self.do(row, actor, data, is_approved=False)
        except ApprovalRequired:
            return self.ask(row, actor, data)

    def observed(self, row: Any, actor: Any, data: Mapping[str, Any]) -> list[Effect]:
        """Carry out the action as if it was approved, if it needs that."""
        ids = [account.pk for account in self.accounts_of(row, data)]
        return observed(ids, lambda: self.do(row, actor, data, is_approved=True))

    def must_wait(self, row: Any, actor: Any, data: Mapping[str, Any]) -> bool:
        if settings.APPROVAL_THRESHOLD is None:
            return False
        with transaction.atomic():
            try:
                self.do(row, actor, data, is_approved=False)
            except ApprovalRequired:
                return True
            finally:
                transaction.set_rollback(True)
        return False

    def waits(self, result: Any) -> bool:
        return isinstance(result, Approval)

    def waiting_outcome(self, row: Any, result: Any) -> str:
        return format_html("{} waits for the approval of a second person.", approval_link(result))


class SetLimitOrAsk(MayWait, SetLimit):
    """Set the overdraft limit, or ask for approval of it."""

    def do(
        self, row: Account, actor: Any, data: Mapping[str, Any], *, is_approved: bool
    ) -> Account:
        return set_overdraft_limit(
            account_id=row.pk,
            actor=actor,
            limit=data["overdraft_limit"],
            reason=data["reason"],
            is_approved=is_approved,
        )

    def ask(self, row: Account, actor: Any, data: Mapping[str, Any]) -> Approval:
        return ask_for_limit(
            account_id=row.pk, actor=actor, limit=data["overdraft_limit"], reason=data["reason"]
        )


def _page_of(approval: Approval) -> str:
    return reverse("admin:approvals_approval_change", args=[approval.pk])
