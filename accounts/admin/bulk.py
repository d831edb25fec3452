"""Actions on several rows of a list, which staff confirm on a page of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.admin import helpers
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts.admin.acting import Waits, act_on_each, selected
from accounts.admin.action_page import REFUSALS, ActionPage, ActionsAdmin
from accounts.models import Account
from database.rehearsal import rolled_back


def ask_then_act(
    admin: ActionsAdmin, request: HttpRequest, queryset: QuerySet, page: ActionPage
) -> HttpResponse | None:
    """
    Show what an action would do to each selected row, and carry it out when staff confirm it.

    For a single row, the action has a page of its own. Carrying out such an action again changes
    nothing, and asks for no second approval, so the form needs no key.
    """
    rows = selected(admin, request, queryset)
    if not rows:
        return None
    if len(rows) == 1:
        return redirect(page.url(rows[0]))
    form = page.form(rows[0], request.POST if "confirmed" in request.POST else None)
    if form.is_valid():
        data = form.cleaned_data

        def act(row: Any) -> None:
            result = page.act(row, request.user, data)
            if page.waits(result):
                raise Waits(page.waiting_outcome(row, result))

        act_on_each(admin, request, rows, act, page.done, page.names)
        return None
    possible, refused = _rehearsed(page, request, rows)
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": f"{page.label} {_counted(page, len(rows))}",
        "page": page,
        "list_url": admin.list_url,
        "possible": possible,
        "some_wait": any(each["must_wait"] for each in possible),
        "button": _button(page, possible),
        "refused": refused,
        "form": form,
        "action": request.POST["action"],
        "selected_name": helpers.ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/accounts/bulk.html", context)


def _rehearsed(page: ActionPage, request: HttpRequest, rows: Sequence[Any]) -> tuple[list, list]:
    """
    Return the rows with the effects of the action, and those it would be refused for.

    The rows are acted on one after the other, as when staff confirm, and all of it is rolled back.
    Each row therefore shows the figures that the rows before it leave. The ledger decides again
    when the action is carried out.
    """
    possible, refused = [], []
    data = {"reason": ""}
    with rolled_back():
        # All at once and in order, so that two previews with the same accounts can't deadlock.
        Account.objects.locked(
            *{account.pk for row in rows for account in page.accounts_of(row, data)}
        )
        for row in rows:
            shown = {"row": row, "url": page.admin.url_of(row), "memo": page.memo(row)}
            if why := page.impossible(row, request.user):
                refused.append({**shown, "why": why})
                continue
            try:
                shown |= _rehearsed_row(page, request, row, data)
                possible.append(shown)
            except REFUSALS as refusal:
                refused.append({**shown, "why": page.why_not(refusal, row, data)})
    return possible, refused


def _button(page: ActionPage, possible: Sequence[Mapping[str, Any]]) -> str:
    """Return what the button says: how many rows are acted on, and how many wait for approval."""
    waiting = sum(each["must_wait"] for each in possible)
    now = len(possible) - waiting
    if not now:
        return f"Ask for approval of {_counted(page, waiting)}"
    done = f"{page.label} {_counted(page, now)}"
    return f"{done} and ask for approval of {waiting}" if waiting else done


def _counted(page: ActionPage, number: int) -> str:
    opts = page.admin.opts
    return f"{number} {opts.verbose_name if number == 1 else opts.verbose_name_plural}"


def _rehearsed_row(
    page: ActionPage, request: HttpRequest, row: Any, data: dict[str, str]
) -> dict[str, Any]:
    """Act on a row, unless it must wait for approval: then it changes nothing for the next rows."""
    must_wait = page.must_wait(row, request.user, data)
    if must_wait:
        return {"must_wait": True, "effects": page.effects(row, request.user, data)}
    with transaction.atomic():
        return {"must_wait": False, "effects": page.observed(row, request.user, data)}
