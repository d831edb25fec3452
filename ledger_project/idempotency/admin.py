"""The admin of idempotency keys, where staff look up what happened to a request."""

from django.contrib import admin
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest

from ledger_project.idempotency.models import IdempotencyKey


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(admin.ModelAdmin):
    """
    A read-only list of keys and their requests.

    The stored response is never shown, because it belongs to the user who sent the request.
    """

    list_display = (
        "created_at",
        "user",
        "key",
        "method",
        "path",
        "response_status",
        "response_stored",
    )
    list_select_related = ("user",)
    fields = ("id", *list_display)
    readonly_fields = fields
    search_fields = ("=key", "=user__username")
    search_help_text = "Search by a complete key or a username."
    show_full_result_count = False
    ordering = ("-pk",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdempotencyKey]:
        stored = ExpressionWrapper(Q(response_body__isnull=False), output_field=BooleanField())
        keys = super().get_queryset(request).defer("response_body")
        return keys.annotate(has_stored_response=stored)

    @admin.display(description="response stored", boolean=True)
    def response_stored(self, record: IdempotencyKey) -> bool:
        return record.has_stored_response  # type: ignore[attr-defined]  # annotated above

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # The list has no filters. Without this, Django would accept lookups on any column.
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
