"""The list of approvals, and the page of one, from which a second person decides."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.admin.action_page import ActionsAdmin
from accounts.admin.change import value_shown
from accounts.admin.home import home_panel
from accounts.admin.pages import (
    DASH,
    LAST_ROWS,
    HistoryAdmin,
    account_link,
    badge,
    money_shown,
    name_and_id,
    time_shown,
)
from accounts.admin.search import MOST_FOUND, currencies, ends_like, id_in, newest_of
from accounts.models import Account
from accounts.names import folded
from accounts.rights import may
from database.windows import has_more, keys_among
from transfers.admin import waiting
from transfers.admin.deciding import Approve, Decline, Withdraw
from transfers.admin.figures import of_figure
from transfers.admin.links import transfer_in_words, transfer_link
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
    search_help_text = (
        "Search by requester or approver, owner, amount (240.00), memo, or the id of an approval, "
        "an account or a transfer. Several words narrow the search."
    )
    list_display = (
        "requested_shown",
        "asked_for",
        "status_shown",
        "amount_shown",
        "parties_shown",
        "reason_shown",
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

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        wanted = id_in(search_term)
        if wanted is None:
            return super().get_search_results(request, queryset, search_term)
        # There is an index of their own ids and of the transfers that they led to, but none of what
        # they concern.
        indexed = Q(pk=wanted) | Q(transfer=wanted)
        parties = Q(source=wanted) | Q(dest=wanted) | Q(account=wanted) | Q(reverses=wanted)
        window = newest_of(Approval.objects.order_by("-pk"))
        concerned = keys_among(window, queryset.filter(parties).order_by("-pk")[:MOST_FOUND])
        exact = queryset.filter(indexed).values_list("pk", flat=True)
        found = sorted({*concerned, *exact}, reverse=True)
        return self.found(request, queryset, found, has_more(window)), False

    def search_by_text(self, request: HttpRequest, queryset: QuerySet, text: str) -> QuerySet:
        known = currencies()
        for word in text.split():
            queryset = queryset.filter(_of_word(word, known))
        return queryset

    def about(self, row: Approval) -> str:
        requested = f"requested by {row.requested_by} at {time_shown(row.requested_at)}"
        return " · ".join(filter(None, (row.get_status_display(), requested, row.memo)))

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

    # Not the column itself, whose name is "memo" and which the lists leave out on a phone.
    @admin.display(description="reason", empty_value="")
    def reason_shown(self, approval: Approval) -> str | None:
        return approval.memo

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
        return DASH if approval.reverses is None else transfer_in_words(approval.reverses)

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
    rows = _rows(_pending().order_by("-pk")[:SHOWN])
    return {"rows": rows} if rows else None


def pending_of(account: Account) -> dict[str, Any]:
    """
    Return the approvals that wait and concern an account, newest first, for its page.

    ``searched`` is among how many they were searched, if there are more; otherwise None.
    """
    window = waiting.newest_pending()
    concerned = Q(account=account) | Q(source=account) | Q(dest=account)
    newest = Approval.objects.filter(concerned).order_by("-pk")[:LAST_ROWS]
    found = keys_among(window, newest)
    return {
        "rows": _rows(_pending().filter(pk__in=found).order_by("-pk")),
        "searched": f"{waiting.MOST_SEARCHED:,}" if has_more(window) else None,
    }


def _pending() -> QuerySet[Approval]:
    pending = Approval.objects.filter(status=ApprovalStatus.PENDING)
    return pending.select_related("requested_by", "account", "source", "dest")


def _rows(approvals: QuerySet[Approval]) -> list[dict[str, Any]]:
    """Return the rows of the table ``admin/approvals/waiting.html``."""
    return [
        {
            "approval": approval,
            "asked_for": f"{approval.get_kind_display()} of "
            f"{money_shown(approval.amount, approval.currency)}",
            "parties": _parties(approval),
        }
        for approval in approvals
    ]


def _of_word(word: str, known: list[str]) -> Q:
    """Return the filter for a part of a name or memo, an amount, a currency or the end of an id."""
    found = Q(memo__icontains=word) | ends_like(word) | of_figure(word, known)
    for person in ("requested_by", "decided_by"):
        found |= Q(**{f"{person}__username__icontains": word})
    for account in ("account", "source", "dest"):
        found |= Q(**{f"{account}__owner_name_folded__contains": folded(word)})
        found |= ends_like(word, f"{account}__pk")
    return found
