"""Admin actions that call a service for each selected row and report each refusal."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin, helpers
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.pages import money_shown
from api.errors import ApiError, LedgerError

# Each row takes a transaction of its own, and each refusal adds a message to the next page.
MOST_AT_ONCE = 100


# The names of accounts in a message, by account id.
Names = Mapping[Any, object]


def itself(account: Any) -> Names:
    """Return "It" as the name of an account that the message has already named."""
    return {account.pk: "It"}


class Waits(Exception):
    """
    Raised by an action that wasn't taken, because it waits for the approval of a second person.

    :param message: what to tell the user; may be HTML
    """


class ReasonForm(helpers.ActionForm):
    """The action to take on the selected rows, and the reason for it."""

    # Not required here: Django would report a missing reason as "No action selected". The action
    # checks it instead.
    reason = forms.CharField(label="Reason:", required=False)


def reason_of(admin: ModelAdmin, request: HttpRequest, longest: int) -> str | None:
    """
    Return the reason that staff gave.

    If it is missing or longer than ``longest`` characters, add an error message and return None.
    """
    reason = request.POST.get("reason", "").strip()
    if 0 < len(reason) <= longest:
        return reason
    message = f"Nothing was changed. Enter a reason of at most {longest} characters."
    admin.message_user(request, message, messages.ERROR)
    return None


def selected(admin: ModelAdmin, request: HttpRequest, queryset: QuerySet) -> Sequence[Any]:
    """Return the selected rows. If there are too many, add an error message and return none."""
    rows = list(queryset[: MOST_AT_ONCE + 1])
    if len(rows) <= MOST_AT_ONCE:
        return rows
    message = f"Nothing was changed. Select at most {MOST_AT_ONCE} rows."
    admin.message_user(request, message, messages.ERROR)
    return []


def act_on_each(
    admin: ModelAdmin,
    request: HttpRequest,
    rows: Sequence[Any],
    act: Callable[[Any], object],
    outcome: str,
    named: Callable[[Any], Names] = itself,
) -> None:
    """
    Call ``act`` with each row. Add one message for each refusal, and one for all that succeeded.
    For a row that needs approval, ``act`` raises ``Waits``.

    :param outcome: the past participle of the action, such as ``frozen``
    :param named: as in ``in_words``
    """
    done = []
    for row in rows:
        try:
            act(row)
        except Waits as waits:
            admin.message_user(request, waits.args[0], messages.WARNING)
        except (ApiError, PermissionDenied) as refusal:
            why = in_words(refusal, row, named)
            admin.message_user(request, f"{row} couldn't be {outcome}. {why}", messages.ERROR)
        else:
            done.append(row)
    if len(done) == 1:
        admin.message_user(request, f"{done[0]} is now {outcome}.", messages.SUCCESS)
    elif done:
        count = f"{len(done)} {admin.opts.verbose_name_plural}"
        admin.message_user(request, f"{count} are now {outcome}.", messages.SUCCESS)


def in_words(refusal: Exception, row: Any, named: Callable[[Any], Names] = itself) -> str:
    """
    Return a message for staff that explains why an action on ``row`` was refused.

    Amounts are shown in the unit of the row's currency.

    :param named: returns the names of the accounts that the message may mention
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
