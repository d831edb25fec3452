"""Actions on several rows of a list, which staff confirm on a page of their own."""

from typing import Any

from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts.admin.acting import Waits, act_on_each, selected
from accounts.admin.action_page import REFUSALS, ActionPage, ActionsAdmin


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
        "title": f"{page.label} {len(rows)} {admin.opts.verbose_name_plural}",
        "page": page,
        "list_url": admin.list_url,
        "possible": possible,
        "refused": refused,
        "form": form,
        "action": request.POST["action"],
        "selected_name": helpers.ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/accounts/bulk.html", context)


def _rehearsed(page: ActionPage, request: HttpRequest, rows: Any) -> tuple[list, list]:
    """Return the rows with the effects of the action, and those it would be refused for."""
    possible, refused = [], []
    data = {"reason": ""}
    for row in rows:
        shown = {"row": row, "url": page.admin.url_of(row)}
        # Each on its own, so that no account is locked for long. The ledger decides again when the
        # action is carried out.
        try:
            shown["effects"] = page.effects(row, request.user, data)
            shown["must_wait"] = page.must_wait(row, request.user, data)
            possible.append(shown)
        except REFUSALS as refusal:
            refused.append({**shown, "why": page.why_not(refusal, row, data)})
    return possible, refused
