"""The list of approvals, and the page of one, from which a second person decides."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.admin.action_page import ActionsAdmin
from accounts.admin.change import value_shown
from accounts.admin.home import home_panel
from accounts.admin.pages import (
    DASH,
    HistoryAdmin,
    account_link,
    badge,
    money_shown,
    name_and_id,
    time_shown,
)
from accounts.models import Account
from accounts.rights import may
from transfers.admin.deciding import Approve, Decline, Withdraw
from transfers.admin.links import transfer_link
from transfers.approvals.models import LIMIT, Approval
from transfers.approvals.statuses import ApprovalStatus
from transfers.kinds import Kind

# How many approvals the home page shows.
SHOWN = 8
# The colours of badges.
TONES = {"PENDING": "wait", "APPROVED": "good", "DECLINED": "bad", "WITHDRAWN": "quiet"}


@admin.register(Approval)
class ApprovalAdmin(ActionsAdmin, HistoryAdmin):
    """A list of approvals, with a page for each on which it is approved, declined or withdrawn."""

    action_pages = (Approve, Decline, Withdraw)
    change_form_template = "admin/accounts/acting.html"
    id_columns = ("pk", "source", "dest", "account", "reverses", "transfer")
    search_help_text = "Search by the complete id of an approval, an account or a transfer."
    list_display = (
        "requested_shown",
        "asked_for",
        "status_shown",
        "amount_shown",
        "parties_shown",
        "requested_by",
        "decided_by",
    )
    list_display_links = ("asked_for",)
    list_filter = ("status", "kind")
    list_select_related = ("account", "source", "dest", "requested_by", "decided_by")

    def get_fields(self, request: HttpRequest, obj: Approval | None = None) -> Any:
        assert obj is not None, "nobody adds an approval in the admin"
        return (
            ("kind", "amount_shown", "status_shown"),
            *(["account_shown"] if obj.kind == LIMIT else [("source_shown", "dest_shown")]),
            *(["reverses_shown"] if obj.kind == Kind.REVERSAL else []),
            "memo",
            *(["metadata"] if obj.metadata else []),
            *(["expires_in"] if obj.kind == Kind.HOLD else []),
            ("requested_by", "requested_shown"),
            *([("decided_by", "decided_shown", "note")] if obj.decided_by else []),
            *(["result_shown"] if obj.status == ApprovalStatus.APPROVED else []),
            "id",
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Approval | None = None) -> Any:
        rows = self.get_fields(request, obj)
        return [name for row in rows for name in ([row] if isinstance(row, str) else row)]

    def about(self, row: Approval) -> str:
        return f"{row.get_status_display()} · {time_shown(row.requested_at)}"

    @admin.display(description="request")
    def asked_for(self, approval: Approval) -> str:
        return name_and_id(approval.get_kind_display(), approval.pk)

    @admin.display(description="status")
    def status_shown(self, approval: Approval) -> str:
        return badge(approval.get_status_display(), TONES[approval.status])

    @admin.display(description="amount")
    def amount_shown(self, approval: Approval) -> str:
        return money_shown(approval.amount, approval.currency)

    @admin.display(description="accounts")
    def parties_shown(self, approval: Approval) -> str:
        return _parties(approval)

    @admin.display(description="account")
    def account_shown(self, approval: Approval) -> str:
        return _link(approval.account)

    @admin.display(description="source")
    def source_shown(self, approval: Approval) -> str:
        return _link(approval.source)

    @admin.display(description="destination")
    def dest_shown(self, approval: Approval) -> str:
        return _link(approval.dest)

    @admin.display(description="reverses")
    def reverses_shown(self, approval: Approval) -> str:
        return transfer_link(approval.reverses)

    @admin.display(description="requested")
    def requested_shown(self, approval: Approval) -> str:
        return time_shown(approval.requested_at)

    @admin.display(description="decided")
    def decided_shown(self, approval: Approval) -> str:
        return DASH if approval.decided_at is None else time_shown(approval.decided_at)

    @admin.display(description="result")
    def result_shown(self, approval: Approval) -> str:
        if approval.change is None:
            return transfer_link(approval.transfer)
        before = value_shown(approval.change, approval.change.before)
        return f"The limit was changed from {before} to {self.amount_shown(approval)}."

    def menu(self, request: HttpRequest, row: Approval) -> list[dict[str, Any]]:
        """Return the decisions that the user may take: about their own request, to withdraw it."""
        is_own = row.requested_by_id == request.user.pk
        menu = super().menu(request, row)
        return [item for item in menu if isinstance(item["page"], Withdraw) == is_own]


def _parties(approval: Approval) -> str:
    """Return links to the account of a limit, or to the source and the destination."""
    if approval.account is not None:
        return account_link(approval.account)
    return format_html("{} → {}", _link(approval.source), _link(approval.dest))


def _link(account: Account | None) -> str:
    return DASH if account is None else account_link(account)


@home_panel(order=5, title="Pending approvals", template="admin/approvals/waiting.html")
def waiting_approvals(request: HttpRequest) -> dict[str, Any] | None:
    """Return the newest requests that wait for a second person; None if none do."""
    if not may(request.user, "accounts.read_any"):
        return None
    pending = Approval.objects.filter(status=ApprovalStatus.PENDING).order_by("-pk")
    found = pending.select_related("requested_by", "account", "source", "dest")[:SHOWN]
    rows = [
        {
            "approval": approval,
            "asked_for": f"{approval.get_kind_display()} of "
            f"{money_shown(approval.amount, approval.currency)}",
            "parties": _parties(approval),
        }
        for approval in found
    ]
    return {"rows": rows} if rows else None
