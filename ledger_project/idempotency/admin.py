"""Keys for staff: to see what became of a request."""

from django.contrib import admin
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest

from ledger_project.idempotency.models import IdempotencyKey


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(admin.ModelAdmin):
    """A key and what it was sent for. The answer itself is its user's: it is never shown."""

    list_display = ("created_at", "user", "key", "method", "path", "response_status", "kept")
    list_select_related = ("user",)
    fields = ("id", *list_display)
    readonly_fields = fields
    search_fields = ("=key", "=user__username")
    search_help_text = "A whole key, or a user name."
    show_full_result_count = False
    ordering = ("-pk",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdempotencyKey]:
        has_answer = ExpressionWrapper(Q(response_body__isnull=False), output_field=BooleanField())
        return super().get_queryset(request).defer("response_body").annotate(has_answer=has_answer)

    @admin.display(description="answer kept", boolean=True)
    def kept(self, record: IdempotencyKey) -> bool:
        return record.has_answer  # type: ignore[attr-defined]  # annotated above

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # It has no filters; Django would allow any lookup of a column.
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
