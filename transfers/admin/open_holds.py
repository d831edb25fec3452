"""The open holds on an account's page, with links to the pages that resolve them."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse

from accounts.admin.pages import LAST_ROWS, account_link, money_shown
from accounts.models import Account
from accounts.rights import may
from transfers import clock
from transfers.kinds import Kind
from transfers.models import Transfer

# How many of an account's newest holds, captures and voids are searched for open holds, so that the
# page is as fast for an account with a million of them.
MOST_SEARCHED = 1_000


def open_holds(request: HttpRequest, account: Account) -> dict[str, Any]:
    """
    Return the rows of the open holds of an account, newest first, for its page.

    ``elsewhere`` is the amount of open holds that aren't among the rows, or None.
    """
    if not account.held:
        return {"account": account, "rows": [], "elsewhere": None}
    holds = list(newest_open(account)[:LAST_ROWS])
    resolvable = may(request.user, Kind.CAPTURE.rules.permission)
    missing = account.held - sum(hold.amount for hold in holds)
    return {
        "account": account,
        "rows": [_row(hold, resolvable) for hold in holds],
        # Not negative, although a hold may have been placed after the account was read.
        "elsewhere": money_shown(missing, account.currency) if missing > 0 else None,
    }


def newest_open(account: Account) -> QuerySet[Transfer]:
    """Return the unresolved holds among the newest changes of the held amount, newest first."""
    # `hold_version` counts these changes without gaps, so this is a short range of an index.
    since = account.hold_version - MOST_SEARCHED
    holds = Transfer.objects.filter(source=account, hold_sequence__gt=since, kind=Kind.HOLD.value)
    # A scalar subquery runs once per row. PostgreSQL may execute an EXISTS by reading all
    # resolutions in the table first.
    resolution = Transfer.objects.filter(hold=OuterRef("pk")).values("pk")[:1]
    open_ones = holds.alias(resolved_by=Subquery(resolution)).filter(resolved_by__isnull=True)
    shown = open_ones.select_related("dest").order_by("-hold_sequence")
    return shown.annotate(seen_at=clock.of_statement())  # type: ignore[no-redef]


def _row(hold: Transfer, resolvable: bool) -> dict[str, Any]:
    assert hold.expires_at is not None
    is_expired = hold.expires_at <= hold.seen_at
    actions = ["capture", "void"] if resolvable and not is_expired else []
    return {
        "hold": hold,
        "url": reverse("admin:transfers_transfer_change", args=[hold.pk]),
        "amount": money_shown(hold.amount, hold.currency),
        "dest": account_link(hold.dest),
        "is_expired": is_expired,
        "actions": [
            {
                "label": name.capitalize(),
                "url": reverse(f"admin:transfers_transfer_{name}", args=[hold.pk]),
            }
            for name in actions
        ],
    }
