"""The admin of service keys: find, create and revoke them."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from uuid_utils.compat import uuid7

from accounts.admin.acting import ReasonForm, act_on_each, reason_of, selected
from accounts.admin.pages import DASH, LedgerAdmin, badge, name_and_id, time_shown
from accounts.admin.search import id_in
from accounts.rights import may
from api.scopes import Scope
from ledger_project.service_keys import services
from ledger_project.service_keys.models import LONGEST_REASON, ServiceKey
from transfers import clock

LONGEST_DAYS = 3650
REPEATED = (
    "This key was created when the form was first sent. Its secret can't be shown again: if you "
    "don't have it, revoke the key and create another one."
)
# The colours of statuses; grey for all others.
TONES = {"Active": "good", "Owner deactivated": "wait"}


class NewServiceKeyForm(forms.ModelForm):
    """The owner, name, scopes and lifetime of a new key."""

    scopes = forms.MultipleChoiceField(
        # The meanings are Markdown.
        choices=[(each.value, f"{each}: {each.meaning.replace('`', '')}") for each in Scope],
        widget=forms.CheckboxSelectMultiple,
        help_text="What the key may do. It can never do more than its owner.",
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_DAYS,
        required=False,
        label="Lifetime in days",
        help_text="Leave it empty for a key that works until it is revoked.",
    )
    # Chosen when the form is loaded, so that a form that is sent twice creates one key.
    client_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7, required=False)

    class Meta:
        model = ServiceKey
        fields = ("owner", "name")
        help_texts = {
            "owner": "The key may do what this user may do, within its scopes.",
            "name": "What the key is for, such as “Shop backend”.",
        }


@admin.register(ServiceKey)
class ServiceKeyAdmin(LedgerAdmin):
    """
    A list of service keys, which staff revoke with a reason, and superusers create.

    Only superusers, because a key can do what its owner may do.
    """

    action_form = ReasonForm
    actions = ("revoke",)
    add_form_template = "admin/change_form.html"
    change_form_template = "admin/service_keys/servicekey/change_form.html"
    ordering = ("-pk",)
    sortable_by = ()
    list_display = ("key_shown", "owner", "scope", "status", "last_used_shown", "expires_shown")
    list_select_related = ("owner",)
    autocomplete_fields = ("owner",)

    class Media:
        js = ("ledger_project/names.js",)

    search_help_text = "Search by a complete client id, a username, or part of a name."

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServiceKey]:
        keys = super().get_queryset(request).select_related("owner", "revoked_by")
        return keys.annotate(now=clock.of_statement())

    def get_form(
        self, request: HttpRequest, obj: ServiceKey | None = None, change: bool = False, **more: Any
    ) -> Any:
        if obj is None:
            more["form"] = NewServiceKeyForm
        return super().get_form(request, obj, change, **more)

    def get_fields(self, request: HttpRequest, obj: ServiceKey | None = None) -> Any:
        if obj is None:
            return ("owner", "name", "scopes", "days", "client_id")
        shown = ("name", "id", "owner", "scope", "status")
        times = ("created_shown", "last_used_shown", "expires_shown")
        revoked = ("revoked_shown", "revoked_by", "revoke_reason") if obj.revoked_at else ()
        return (*shown, *times, *revoked)

    def get_readonly_fields(self, request: HttpRequest, obj: ServiceKey | None = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: ServiceKey | None = None) -> bool:
        return may(request.user, "service_keys.read_any")

    def has_add_permission(self, request: HttpRequest, obj: ServiceKey | None = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return may(request.user, "service_keys.revoke_any")

    def search_by_text(self, request: HttpRequest, queryset: QuerySet, text: str) -> QuerySet:
        for word in text.split():
            queryset = queryset.filter(Q(name__icontains=word) | Q(owner__username__icontains=word))
        return queryset

    @admin.display(description="service key")
    def key_shown(self, key: ServiceKey) -> str:
        return name_and_id(key.name, key.pk)

    @admin.display(description="status")
    def status(self, key: Any) -> str:
        status = key.status_at(key.now)
        return badge(status, TONES.get(status, "quiet"))

    @admin.display(description="created")
    def created_shown(self, key: ServiceKey) -> str:
        return _shown(key.created_at)

    @admin.display(description="last used")
    def last_used_shown(self, key: ServiceKey) -> str:
        return _shown(key.last_used_at)

    @admin.display(description="expires")
    def expires_shown(self, key: ServiceKey) -> str:
        return _shown(key.expires_at)

    @admin.display(description="revoked")
    def revoked_shown(self, key: ServiceKey) -> str:
        return _shown(key.revoked_at)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Revoke keys, and with them all of their tokens."""
        keys = selected(self, request, queryset)
        reason = reason_of(self, request, LONGEST_REASON) if keys else None

        def act(key: ServiceKey) -> None:
            services.revoke(client_id=key.pk, actor=request.user, reason=reason or "")  # type: ignore[arg-type]  # the admin requires a login

        if reason:
            act_on_each(self, request, keys, act, "revoked")
        if len(keys) == 1:
            return redirect("admin:service_keys_servicekey_change", keys[0].pk)
        return None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Create the key through the service. Its secret is only kept for the next page."""
        chosen, days = form.cleaned_data, form.cleaned_data["days"]
        key, secret = services.create(
            owner=chosen["owner"],
            name=chosen["name"],
            scopes=chosen["scopes"],
            expires_in=None if days is None else timedelta(days=days),
            client_id=chosen["client_id"],
        )
        obj.pk, obj.secret = key.pk, secret

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret on the response itself: a redirect would have to store it."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Service key created",
            "key": obj,
        }
        return TemplateResponse(request, "admin/service_keys/servicekey/created.html", context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Every way of saving leads to the page with the secret.
        only_save = {"show_save_and_add_another": False, "show_save_and_continue": False}
        try:
            return super().add_view(request, form_url, {**(extra_context or {}), **only_save})
        except IntegrityError:
            sent = id_in(request.POST.get("client_id", ""))
            created = ServiceKey.objects.filter(pk=sent).first() if sent else None
            if created is None:
                raise
        # For example by a reload of the page with the secret.
        self.message_user(request, REPEATED, messages.WARNING)
        return redirect("admin:service_keys_servicekey_change", created.pk)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {}), "can_revoke": self.has_revoke_permission(request)}
        return super().change_view(request, object_id, form_url, context)


def _shown(time: datetime | None) -> str:
    return DASH if time is None else time_shown(time)
