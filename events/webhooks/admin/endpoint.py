"""The list of webhooks and the page of one."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from accounts.admin.acting import act_on_each, selected
from accounts.admin.bulk import ask_then_act
from accounts.admin.pages import name_and_id
from events.webhooks import services
from events.webhooks.admin.actions import Disable, Enable
from events.webhooks.admin.pages import WebhookAdmin, moment, status_badge
from events.webhooks.models import Endpoint


@admin.register(Endpoint)
class EndpointAdmin(WebhookAdmin):
    """A list of webhooks, which staff disable and enable. Their secrets are never shown."""

    action_pages = (Disable, Enable)
    actions = ("disable", "enable")
    list_display = ("webhook", "owner", "status_shown", "failing_shown", "disabled_reason")
    list_select_related = ("owner",)
    list_filter = ("status",)
    search_help_text = "Search by a complete id, a username, or part of a URL or description."
    fields = (
        *("url_shown", "id", "owner", "description", "events_shown", "accounts_shown"),
        *("status_shown", "disabled_reason", "failing_shown", "created_shown", "deliveries_shown"),
    )
    readonly_fields = fields

    def search_by_text(self, request: HttpRequest, queryset: QuerySet, text: str) -> QuerySet:
        for word in text.split():
            about = Q(url__icontains=word) | Q(description__icontains=word)
            queryset = queryset.filter(about | Q(owner__username__icontains=word))
        return queryset

    @admin.display(description="webhook")
    def webhook(self, endpoint: Endpoint) -> str:
        return name_and_id(endpoint.url, endpoint.pk)

    @admin.display(description="URL")
    def url_shown(self, endpoint: Endpoint) -> str:
        return endpoint.url

    @admin.display(description="status")
    def status_shown(self, endpoint: Endpoint) -> str:
        return status_badge(endpoint)

    @admin.display(description="events")
    def events_shown(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.events) or "All"

    @admin.display(description="accounts")
    def accounts_shown(self, endpoint: Endpoint) -> str:
        page = "admin:accounts_account_change"
        links = [(reverse(page, args=[each]), each) for each in endpoint.account_ids]
        return format_html_join(", ", '<a href="{}">{}</a>', links) or "All that its owner may see"

    @admin.display(description="deliveries")
    def deliveries_shown(self, endpoint: Endpoint) -> str:
        url = reverse("admin:webhooks_delivery_changelist")
        return format_html('<a href="{}?q={}">Newest deliveries</a>', url, endpoint.pk)

    @admin.display(description="failing since")
    def failing_shown(self, endpoint: Endpoint) -> str:
        return moment(endpoint.failing_since)

    @admin.display(description="created")
    def created_shown(self, endpoint: Endpoint) -> str:
        return moment(endpoint.created_at)

    @admin.action(description="Disable…", permissions=["manage"])
    def disable(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        return ask_then_act(self, request, queryset, self.page("disable"))

    @admin.action(description="Enable", permissions=["manage"])
    def enable(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Enable webhooks. What happened while they were disabled is delivered now."""

        def act(endpoint: Endpoint) -> None:
            services.enable(webhook_id=endpoint.pk, actor=request.user)  # type: ignore[arg-type]  # the admin requires a login

        act_on_each(self, request, selected(self, request, queryset), act, "enabled")
