"""
Pages on which staff carry out one action on one row of a table.

A page shows a preview: the figures of each account before and after. Nothing is changed until the
form is confirmed. A confirmed form has a key, under which it is carried out once, however often the
browser sends it (see ``ledger_project.admin.once``).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar
from uuid import UUID

import orjson
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from uuid_utils.compat import uuid7

from accounts.admin.acting import Names, in_words
from accounts.admin.action_form import ActionForm
from accounts.admin.preview import Effect, changed_since, observed, previewed, state_of
from accounts.models import Account
from accounts.rights import may
from api.errors import ApiError
from api.form_keys import EDIT, FORM_KEY, form_key_of
from database.rehearsal import rolled_back

NOTHING: Mapping[str, Any] = MappingProxyType({})
# What a service raises if it refuses an action.
REFUSALS = (ApiError, PermissionDenied)


class ActionPage:
    """
    An action on one row: its place in the menu and its page.

    ``act`` calls the service that carries the action out. The preview calls it too.
    """

    # The end of the URL.
    name: ClassVar[str]
    # In the menu, as the title of the page, and on the button.
    label: ClassVar[str]
    # What the action does, for the menu and the page.
    summary: ClassVar[str]
    # The past participle, for messages.
    done: ClassVar[str]
    permission: ClassVar[str]
    form: ClassVar[type[ActionForm]] = ActionForm
    irrevocable: ClassVar[bool] = False
    # Whether it may wait for the approval of a second person.
    may_wait: ClassVar[bool] = False
    template: ClassVar[str] = "admin/accounts/action.html"

    def __init__(self, admin: "ActionsAdmin") -> None:
        self.admin = admin

    def is_allowed(self, user: Any) -> bool:
        """Return whether a user may take the action."""
        return may(user, self.permission)

    def is_offered(self, row: Any) -> bool:
        """Return whether the menu of a row contains the action."""
        raise NotImplementedError

    def accounts_of(self, row: Any, data: Mapping[str, Any]) -> Sequence[Account]:
        """Return the accounts whose figures the preview shows."""
        raise NotImplementedError

    def act(self, row: Any, actor: Any, data: Mapping[str, Any]) -> Any:
        """Carry out the action, and return what the service returns."""
        raise NotImplementedError

    def initial(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return the values with which the form is filled in at first."""
        return {}

    def outcome(self, row: Any, result: Any) -> str:
        """Return the message after the action was carried out."""
        return f"{row} is now {self.done}."

    def memo(self, row: Any) -> str:
        """Return the memo by which staff know a row in the list of a bulk action."""
        return ""

    def must_wait(self, row: Any, actor: Any, data: Mapping[str, Any]) -> bool:
        """Return whether the action would wait for the approval of a second person."""
        return False

    def waits(self, result: Any) -> bool:
        """Return whether ``act`` has only asked for approval, and returned what waits."""
        return False

    def waiting_outcome(self, row: Any, result: Any) -> str:
        """Return the message that the action waits for approval."""
        raise NotImplementedError

    def after(self, row: Any, result: Any) -> str:
        """Return the URL of the page that follows."""
        return self.admin.url_of(row)

    def stored(self, result: Any) -> dict[str, str]:
        """Return the ids of what the action has written."""
        return {f"{result._meta.model_name}_id": str(result.pk)}

    def extra(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return more variables for the template."""
        return {}

    def url(self, row: Any) -> str:
        """Return the URL of the page for a row."""
        return reverse(f"admin:{self.admin.url_name}_{self.name}", args=[row.pk])

    def impossible(self, row: Any, actor: Any) -> str | None:
        """Return why the action would be refused whatever is entered; None if it may succeed."""
        return None

    def effects(self, row: Any, actor: Any, data: Mapping[str, Any]) -> list[Effect]:
        """
        Return what the action would do to each account. Nothing is changed.

        :raises ApiError, PermissionDenied: if the action would be refused
        """
        with rolled_back():
            return self.observed(row, actor, data)

    def observed(self, row: Any, actor: Any, data: Mapping[str, Any]) -> list[Effect]:
        """Carry out the action in a transaction that is rolled back, and return what it does."""
        ids = [account.pk for account in self.accounts_of(row, data)]
        return observed(ids, lambda: self.act(row, actor, data))

    def locked(self, row: Any, data: Mapping[str, Any]) -> dict[UUID, Account]:
        """Lock the accounts of the preview until the transaction ends, and return them by id."""
        return Account.objects.locked(*(account.pk for account in self.accounts_of(row, data)))

    def why_not(self, refusal: Exception, row: Any, data: Mapping[str, Any]) -> str:
        """Return the message for a refusal."""
        return in_words(refusal, row, lambda row: self.names(row, data))

    def names(self, row: Any, data: Mapping[str, Any] = NOTHING) -> Names:
        """Return the names of accounts in messages about a row, which names the row itself."""
        accounts = self.accounts_of(row, data)
        return {each.pk: "It" if each == row else each for each in accounts}

    def view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the form and the preview, and carry out the action when the form is confirmed."""
        row = self._row(request, object_id)
        entered = request.POST if request.method == "POST" else None
        form = self.form(row, entered, initial=self.initial(request, row))
        data = form.cleaned_data if form.is_valid() else {"reason": ""}
        shown: dict[str, Any] = {}
        impossible = self.impossible(row, request.user)
        if impossible is not None:
            shown |= {"impossible": True, "refusal": impossible}
        elif EDIT not in request.POST and (form.is_valid() or form.asks_only_reason):
            try:
                if form.is_valid() and form_key_of(request):
                    return self._carry_out(request, row, data)
                shown["effects"] = self.effects(row, request.user, data)
                shown["previewed"] = previewed(shown["effects"])
                shown["must_wait"] = self.must_wait(row, request.user, data)
            except REFUSALS as refusal:
                shown["refusal"] = self.why_not(refusal, row, data)
        return self._page(request, row, form, shown)

    def _row(self, request: HttpRequest, object_id: str) -> Any:
        if not (self.admin.has_view_permission(request) and self.is_allowed(request.user)):
            raise PermissionDenied
        row = self.admin.get_object(request, object_id)
        if row is None:
            raise Http404
        return row

    def _carry_out(self, request: HttpRequest, row: Any, data: Mapping[str, Any]) -> HttpResponse:
        before = self.locked(row, data)
        result = self.act(row, request.user, data)
        if self.waits(result):
            self.admin.message_user(request, self.waiting_outcome(row, result), messages.WARNING)
        else:
            self.admin.message_user(request, self.outcome(row, result), messages.SUCCESS)
            now = state_of(before.values())
            if request.POST.get("previewed", now) != now:
                self.admin.message_user(request, changed_since(before), messages.WARNING)
        response = redirect(self.after(row, result))
        # It is stored with the key of the form, so that staff find out what the form has done.
        response.stored_content = orjson.dumps(self.stored(result))  # type: ignore[attr-defined]
        return response

    def _page(
        self, request: HttpRequest, row: Any, form: ActionForm, shown: dict[str, Any]
    ) -> HttpResponse:
        context = {
            **self.admin.admin_site.each_context(request),
            "opts": self.admin.opts,
            "title": self.label,
            "subtitle": None,
            "page": self,
            "row": row,
            "row_url": self.admin.url_of(row),
            "list_url": self.admin.list_url,
            "form": form,
            # Not a form that can only fail.
            "shows_form": "impossible" not in shown
            and not ("refusal" in shown and form.asks_only_reason),
            "form_key_name": FORM_KEY,
            # A new one for each page, so that a form can be sent again after a refusal.
            "form_key": uuid7(),
            **shown,
            **self.extra(request, row),
        }
        return TemplateResponse(request, self.template, context)


class ActionsAdmin(admin.ModelAdmin):
    """A table with pages for actions on a row."""

    action_pages: ClassVar[tuple[type[ActionPage], ...]] = ()

    @property
    def url_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    @property
    def list_url(self) -> str:
        return reverse(f"admin:{self.url_name}_changelist")

    def url_of(self, row: Any) -> str:
        """Return the URL of the page of a row."""
        return reverse(f"admin:{self.url_name}_change", args=[row.pk])

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<path:object_id>/{page.name}/",
                self.admin_site.admin_view(page(self).view),
                name=f"{self.url_name}_{page.name}",
            )
            for page in self.action_pages
        ]
        return [*own, *super().get_urls()]

    def page(self, name: str) -> ActionPage:
        """Return the page of an action by its name."""
        [page] = [each for each in self.action_pages if each.name == name]
        return page(self)

    def menu(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """Return the actions that the user may take on a row now."""
        pages = [page(self) for page in self.action_pages]
        return [
            {"page": page, "url": page.url(row)}
            for page in pages
            if page.is_offered(row) and page.is_allowed(request.user)
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["menu"] = self.menu(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)
