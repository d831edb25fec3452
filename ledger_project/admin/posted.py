"""
Find the transfers that a request posted, and the request that posted a transfer.

No column links them: an index on one would cost every posting. The stored response of a request
names its transfers. The request of a transfer is searched among the requests of its time.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.admin.pages import DASH
from accounts.admin.search import id_in
from accounts.rights import may
from database.windows import keys_among
from ledger_project.idempotency.keys import read_key
from ledger_project.idempotency.models import IdempotencyKey
from transfers.admin.transfer import TransferAdmin
from transfers.clock import ids_at
from transfers.models import Transfer

# The ids of keys have the time of an application server, those of transfers that of the database.
APART = timedelta(minutes=10)
# How many requests before and after a transfer are searched.
AROUND = 1_000
# How many users may have used the same key.
MOST_USERS = 20

admin.site.unregister(Transfer)


@admin.register(Transfer)
class TransferWithKeyAdmin(TransferAdmin):
    """The admin of transfers, which finds them by key, and links to the key of a transfer."""

    search_help_text = f"{TransferAdmin.search_help_text} Or search by an idempotency key."

    def get_fields(self, request: HttpRequest, obj: Transfer | None = None) -> Any:
        fields = super().get_fields(request, obj)
        return [*fields, "key_shown"] if _may_see_keys(request) else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Transfer | None = None) -> Any:
        return [*super().get_readonly_fields(request, obj), "key_shown"]

    @admin.display(description="idempotency key")
    def key_shown(self, transfer: Transfer) -> str:
        record = key_of(transfer)
        if record is None:
            return DASH
        url = reverse("admin:idempotency_idempotencykey_change", args=[record.pk])
        return format_html('<a href="{}">{}</a>', url, record.key)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        key = read_key(search_term.strip())
        if key and _may_see_keys(request):
            records = IdempotencyKey.objects.filter(key=key)[:MOST_USERS]
            posted = [transfer for record in records for transfer in transfers_of(record)]
            if posted:
                return queryset.filter(pk__in=posted), False
        return super().get_search_results(request, queryset, search_term)


def transfers_of(record: IdempotencyKey) -> list[UUID]:
    """
    Return the ids of the transfers that a request posted.

    They are in the stored response. After that was purged, only the Location header has an id.
    """
    answer, headers = record.answer(), record.response_headers
    written: list[Any] = []
    if isinstance(headers, dict) and str(headers.get("Location")).startswith("/transfers/"):
        written.append(headers["Location"].removeprefix("/transfers/"))
    if answer is not None and answer.status < 400 and isinstance(answer.document, dict):
        written.append(answer.document.get("transfer_id"))
        batch = answer.document.get("transfers")
        items = batch if isinstance(batch, list) else []
        written += [item.get("id") for item in items if isinstance(item, dict)]
    ids = [id_in(each) for each in written if isinstance(each, str)]
    return [transfer_id for transfer_id in ids if transfer_id is not None]


def key_of(transfer: Transfer) -> IdempotencyKey | None:
    """
    Return the key of the request that posted a transfer, or None if it isn't found.

    Transfers of commands have none.
    """
    if transfer.created_by_id is None:
        return None
    at = transfer.created_at
    first, middle, last = (next(ids_at(each)) for each in (at - APART, at, at + APART))
    keys = IdempotencyKey.objects
    before = keys.filter(pk__gte=first, pk__lt=middle).order_by("-pk")[:AROUND]
    after = keys.filter(pk__gte=middle, pk__lt=last).order_by("pk")[:AROUND]
    theirs = keys.filter(user=transfer.created_by_id).alias(
        headers=Cast("response_headers", TextField())
    )
    named = theirs.filter(
        Q(response_body__contains=transfer.pk) | Q(headers__contains=transfer.pk)
    ).order_by()
    for window in (before, after):
        for record in keys.filter(pk__in=keys_among(window, named)):
            # Responses name other transfers as well, such as the hold of a capture.
            if transfer.pk in transfers_of(record):
                return record
    return None


def _may_see_keys(request: HttpRequest) -> bool:
    return may(request.user, "idempotency.view_idempotencykey")
