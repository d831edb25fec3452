"""How staff act on rows: through a service, with a reason, and told of each that was refused."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin, helpers
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.pages import money_shown
from api.errors import LedgerError

# Each is a transaction of its own, and each refusal a message on the next page.
MOST_AT_ONCE = 100


# What accounts are called, by their ids.
Names = Mapping[Any, object]


def itself(account: Any) -> Names:
    """Return what an account is called in a sentence after one that has named it."""
    return {account.pk: "It"}


class ReasonForm(helpers.ActionForm):
    """Which action to take on the selected rows, and why."""

    # Not checked here, because Django would answer "No action selected"; the action insists.
    reason = forms.CharField(label="Reason:", required=False)


def reason_of(admin: ModelAdmin, request: HttpRequest, longest: int) -> str | None:
    """Return why staff act; tell them and return None if they don't say, or say too much."""
    reason = request.POST.get("reason", "").strip()
    if 0 < len(reason) <= longest:
        return reason
    wanted = f"Give a reason, in at most {longest} characters. Nothing was changed."
    admin.message_user(request, wanted, messages.ERROR)
    return None


def selected(admin: ModelAdmin, request: HttpRequest, queryset: QuerySet) -> Sequence[Any]:
    """Return the rows to act on; tell staff and return none if they are too many."""
    rows = list(queryset[: MOST_AT_ONCE + 1])
    if len(rows) <= MOST_AT_ONCE:
        return rows
    wanted = f"Select at most {MOST_AT_ONCE} at once. Nothing was changed."
    admin.message_user(request, wanted, messages.ERROR)
    return []


def act_on_each(
    admin: ModelAdmin,
    request: HttpRequest,
    rows: Sequence[Any],
    act: Callable[[Any], object],
    outcome: str,
    named: Callable[[Any], Names] = itself,
) -> None:
    """Act on every row; name each that was refused with its reason, and count the others."""
    done = []
    for row in rows:
        try:
            act(row)
        except (LedgerError, PermissionDenied) as refusal:
            why = in_words(refusal, row, named)
            admin.message_user(request, f"{row} is not {outcome}. {why}", messages.ERROR)
        else:
            done.append(row)
    if len(done) == 1:
        admin.message_user(request, f"{done[0]} is {outcome}.", messages.SUCCESS)
    elif done:
        count = f"{len(done)} {admin.opts.verbose_name_plural}"
        admin.message_user(request, f"{count} are {outcome}.", messages.SUCCESS)


def in_words(refusal: Exception, row: Any, named: Callable[[Any], Names] = itself) -> str:
    """
    Return what a refusal to act on ``row`` means to staff, with its figures as people read them.

    :param named: what the accounts that the row may be refused for are called
    """
    if not isinstance(refusal, LedgerError) or not refusal.for_staff:
        return str(refusal)
    figures = {
        name: money_shown(figure, row.currency)
        for name, figure in refusal.evidence.items()
        if isinstance(figure, int)
    }
    account = named(row).get(refusal.evidence.get("account_id"))
    return refusal.for_staff.format(account=account, **figures)
