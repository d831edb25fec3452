"""The URLs of the API, its documentation and the admin."""

from django.contrib import admin
from django.urls import path, register_converter
from django.urls.converters import UUIDConverter
from django.views.generic import RedirectView

from accounts.views import AccountViewSet
from api.fields import UUID_FORM
from api.probe import probe
from audit.views import IntegrityViewSet
from events.feed import FeedViewSet
from events.webhooks.views.deliveries import DeliveryViewSet
from events.webhooks.views.webhooks import WebhookViewSet
from ledger_project.health import healthz, readyz
from ledger_project.idempotency.views import IdempotencyKeyView
from ledger_project.metrics import metrics
from ledger_project.openapi.views import openapi_json
from ledger_project.service_keys.views import ServiceKeyViewSet
from ledger_project.views import LogoutView, RefreshView, TokenView, docs
from transfers.approvals.views import ApprovalViewSet
from transfers.views.batches import BatchViewSet
from transfers.views.cash import CashViewSet
from transfers.views.statements import StatementViewSet
from transfers.views.transfers import TransferViewSet


class AnyCaseUUIDConverter(UUIDConverter):
    """A UUID in lower or upper case, which are equivalent (RFC 9562 §4)."""

    regex = UUID_FORM.pattern


register_converter(AnyCaseUUIDConverter, "id")

urlpatterns = [
    path("auth/token", TokenView.as_view()),
    path("auth/token/refresh", RefreshView.as_view()),
    path("auth/logout", LogoutView.as_view()),
    path("accounts", AccountViewSet.as_view({"post": "create", "get": "list"})),
    path(
        "accounts/<id:account_id>",
        AccountViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    path("accounts/<id:account_id>/close", AccountViewSet.as_view({"post": "close"})),
    path("accounts/<id:account_id>/freeze", AccountViewSet.as_view({"post": "freeze"})),
    path("accounts/<id:account_id>/unfreeze", AccountViewSet.as_view({"post": "unfreeze"})),
    path("accounts/<id:account_id>/deposit", CashViewSet.as_view({"post": "deposit"})),
    path("accounts/<id:account_id>/withdraw", CashViewSet.as_view({"post": "withdraw"})),
    path("accounts/<id:account_id>/statement", StatementViewSet.as_view({"get": "list"})),
    path("accounts/<id:account_id>/balance", StatementViewSet.as_view({"get": "balance"})),
    path("transfers", TransferViewSet.as_view({"post": "create", "get": "list"})),
    path("transfers/<id:transfer_id>", TransferViewSet.as_view({"get": "retrieve"})),
    path("transfers/<id:transfer_id>/capture", TransferViewSet.as_view({"post": "capture"})),
    path("transfers/<id:transfer_id>/void", TransferViewSet.as_view({"post": "void"})),
    path("transfers/<id:transfer_id>/reverse", TransferViewSet.as_view({"post": "reverse"})),
    path("transfers/batch", BatchViewSet.as_view({"post": "create"})),
    path("approvals", ApprovalViewSet.as_view({"get": "list"})),
    path("approvals/<id:approval_id>", ApprovalViewSet.as_view({"get": "retrieve"})),
    path("approvals/<id:approval_id>/approve", ApprovalViewSet.as_view({"post": "approve"})),
    path("approvals/<id:approval_id>/decline", ApprovalViewSet.as_view({"post": "decline"})),
    path("approvals/<id:approval_id>/withdraw", ApprovalViewSet.as_view({"post": "withdraw"})),
    path("service-keys", ServiceKeyViewSet.as_view({"post": "create", "get": "list"})),
    path("service-keys/<id:client_id>", ServiceKeyViewSet.as_view({"get": "retrieve"})),
    path("service-keys/<id:client_id>/revoke", ServiceKeyViewSet.as_view({"post": "revoke"})),
    path("events", FeedViewSet.as_view({"get": "list"})),
    path("idempotency-keys/<path:key>", IdempotencyKeyView.as_view()),
    path("webhooks", WebhookViewSet.as_view({"post": "create", "get": "list"})),
    path(
        "webhooks/<id:webhook_id>",
        WebhookViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path(
        "webhooks/<id:webhook_id>/rotate-secret", WebhookViewSet.as_view({"post": "rotate_secret"})
    ),
    path("webhooks/<id:webhook_id>/test", WebhookViewSet.as_view({"post": "test"})),
    path("webhooks/<id:webhook_id>/enable", WebhookViewSet.as_view({"post": "enable"})),
    path("webhooks/<id:webhook_id>/replay", WebhookViewSet.as_view({"post": "replay"})),
    path("webhooks/<id:webhook_id>/deliveries", DeliveryViewSet.as_view({"get": "list"})),
    path(
        "webhooks/<id:webhook_id>/deliveries/<id:delivery_id>/retry",
        DeliveryViewSet.as_view({"post": "retry"}),
    ),
    path("integrity", IntegrityViewSet.as_view({"get": "retrieve"})),
    path("metrics", metrics),
    path("healthz", healthz),
    path("readyz", readyz),
    path("openapi.json", openapi_json, name="schema"),
    path("docs", docs, name="docs"),
    path("admin/", admin.site.urls),
    path("", probe(RedirectView.as_view(pattern_name="docs"))),
]

handler400 = "api.problems.bad_request"
handler403 = "api.problems.permission_denied"
handler404 = "api.problems.not_found"
handler500 = "api.problems.server_error"
