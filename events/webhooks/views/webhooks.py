"""Webhooks over HTTP."""

from contextlib import suppress
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django_filters import FilterSet
from rest_framework import mixins, serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from api.fields import EmptySerializer
from api.operations import LOGGED_IN, Operation
from api.parsers import strict_json
from api.scopes import Scope
from api.shown_once import ShownOnce
from api.viewset import LedgerViewSet
from events.cursors import position_of
from events.order import START
from events.webhooks import services
from events.webhooks.addresses import Refused, addresses_of, require_public, target_of
from events.webhooks.examples import (
    DISABLED_WEBHOOK_ID,
    TEST_DELIVERY,
    UNUSED_WEBHOOK_ID,
    WEBHOOK,
    WEBHOOK_WITH_SECRET,
)
from events.webhooks.exceptions import (
    TooManyWebhooks,
    WebhookDisabled,
    WebhookNotFound,
)
from events.webhooks.models import Endpoint
from events.webhooks.serializers import (
    ChangeWebhookSerializer,
    DeliverySerializer,
    RegisterWebhookSerializer,
    ReplaySerializer,
    WebhookPageSerializer,
    WebhookSerializer,
    WebhookWithSecretSerializer,
    delivery_document,
    webhook_document,
)
from events.webhooks.views.who import MANAGER, MANAGER_ERRORS, READER


class WebhookViewSet(mixins.ListModelMixin, LedgerViewSet):
    """Register, change and test webhooks."""

    queryset = Endpoint.objects.none()
    serializer_class = WebhookSerializer
    filterset_class = FilterSet
    cursor_field = "pk"
    http_method_names = ["get", "head", "post", "patch", "delete"]

    @staticmethod
    def before_transaction(request: HttpRequest) -> None:
        """Look up the host of the URL, for ``_require_public``."""
        with suppress(ParseError):
            document = strict_json(request.body)
            url = document.get("url", "") if isinstance(document, dict) else ""
            request.host_addresses = addresses_of(url)  # type: ignore[attr-defined]

    def get_queryset(self) -> QuerySet[Endpoint]:
        return Endpoint.objects.visible_to(self.actor)

    @Operation(
        "createWebhook",
        "Webhooks",
        "Register a webhook",
        who=LOGGED_IN,
        scope=Scope.WEBHOOKS_WRITE,
        description="Delivers what happens from now on. **The secret is shown only once.** If the "
        "response is lost, rotate the secret: in a replay, `secret` is null.",
        request=RegisterWebhookSerializer,
        requests={
            "Movements of one account": {
                name: WEBHOOK[name] for name in ("url", "description", "events", "account_ids")
            },
            "Everything": {"url": WEBHOOK["url"]},
        },
        status=201,
        response=WebhookWithSecretSerializer,
        answers={"Registered": WEBHOOK_WITH_SECRET},
        errors=(TooManyWebhooks,),
    )
    def create(self, request: Request) -> Response:
        body = self._read(RegisterWebhookSerializer)
        endpoint, secret = services.register(owner=self.actor, **body)
        return ShownOnce(
            webhook_document(endpoint),
            ("secret", secret),
            status=201,
            headers={"Location": f"/webhooks/{endpoint.pk}"},
        )

    @Operation(
        "listWebhooks",
        "Webhooks",
        "List webhooks",
        who=f"{LOGGED_IN} They see their own webhooks, or all with `webhooks.read_any`.",
        scope=Scope.WEBHOOKS_WRITE,
        description="Newest first.",
        response=WebhookPageSerializer,
        answers={"The only page": {"items": [WEBHOOK], "next_cursor": None}},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)

    @Operation(
        "getWebhook",
        "Webhooks",
        "Retrieve a webhook",
        who=READER,
        scope=Scope.WEBHOOKS_WRITE,
        response=WebhookSerializer,
        answers={"A webhook": WEBHOOK},
        errors=(WebhookNotFound,),
    )
    def retrieve(self, request: Request, webhook_id: UUID) -> Response:
        return Response(webhook_document(services.find(webhook_id=webhook_id, actor=self.actor)))

    @Operation(
        "updateWebhook",
        "Webhooks",
        "Update a webhook",
        who=MANAGER,
        scope=Scope.WEBHOOKS_WRITE,
        description="Members that are left out keep their values. Pending deliveries go to the new "
        "URL.",
        request=ChangeWebhookSerializer,
        requests={"Move the receiver": {"url": "https://new.example/webhooks"}},
        response=WebhookSerializer,
        answers={"Updated": {**WEBHOOK, "url": "https://new.example/webhooks"}},
        errors=MANAGER_ERRORS,
    )
    def partial_update(self, request: Request, webhook_id: UUID) -> Response:
        body = self._read(ChangeWebhookSerializer)
        endpoint = services.change(webhook_id=webhook_id, actor=self.actor, **body)
        return Response(webhook_document(endpoint))

    @Operation(
        "deleteWebhook",
        "Webhooks",
        "Delete a webhook",
        who=MANAGER,
        scope=Scope.WEBHOOKS_WRITE,
        description="Its deliveries are deleted too. The events stay in the feed.",
        tried_on=UNUSED_WEBHOOK_ID,
        status=204,
        errors=MANAGER_ERRORS,
    )
    def destroy(self, request: Request, webhook_id: UUID) -> Response:
        services.delete(webhook_id=webhook_id, actor=self.actor)
        return Response(status=204)

    @Operation(
        "rotateWebhookSecret",
        "Webhooks",
        "Rotate the secret of a webhook",
        who=MANAGER,
        scope=Scope.WEBHOOKS_WRITE,
        description="For 24 hours, messages have two signatures: of the new secret and of the "
        "previous one. The new secret is shown only once: in a replay, `secret` is null.",
        request=EmptySerializer,
        requests={"An empty body": {}},
        response=WebhookWithSecretSerializer,
        answers={"Rotated": WEBHOOK_WITH_SECRET},
        errors=MANAGER_ERRORS,
    )
    def rotate_secret(self, request: Request, webhook_id: UUID) -> Response:
        self.read_body(EmptySerializer)
        endpoint, secret = services.rotate_secret(webhook_id=webhook_id, actor=self.actor)
        return ShownOnce(webhook_document(endpoint), ("secret", secret))

    @Operation(
        "testWebhook",
        "Webhooks",
        "Send a test to a webhook",
        who=MANAGER,
        scope=Scope.WEBHOOKS_WRITE,
        description="Sends a message of the type `webhook.test`, signed like every other. Retrieve "
        "the webhook's deliveries to see what it led to.",
        request=EmptySerializer,
        requests={"An empty body": {}},
        status=202,
        response=DeliverySerializer,
        answers={"To be sent": TEST_DELIVERY},
        errors=(*MANAGER_ERRORS, WebhookDisabled),
    )
    def test(self, request: Request, webhook_id: UUID) -> Response:
        self.read_body(EmptySerializer)
        tested = services.test(webhook_id=webhook_id, actor=self.actor)
        return Response(delivery_document(tested), status=202)

    @Operation(
        "enableWebhook",
        "Webhooks",
        "Enable a webhook",
        who=MANAGER,
        scope=Scope.WEBHOOKS_WRITE,
        description="What happened while it was disabled is delivered now. Enabling an enabled "
        "webhook succeeds and changes nothing.",
        tried_on=DISABLED_WEBHOOK_ID,
        request=EmptySerializer,
        requests={"An empty body": {}},
        response=WebhookSerializer,
        answers={"Enabled": WEBHOOK},
        errors=MANAGER_ERRORS,
    )
    def enable(self, request: Request, webhook_id: UUID) -> Response:
        self.read_body(EmptySerializer)
        endpoint = services.enable(webhook_id=webhook_id, actor=self.actor)
        return Response(webhook_document(endpoint))

    @Operation(
        "replayWebhook",
        "Webhooks",
        "Deliver events again",
        who=MANAGER,
        scope=Scope.WEBHOOKS_WRITE,
        description="Delivers all events after a cursor of the feed again. They have the same ids "
        "as before, so a receiver that remembers ids recognizes them.",
        request=ReplaySerializer,
        requests={"From the beginning": {"after": None}},
        response=WebhookSerializer,
        answers={"To be delivered": WEBHOOK},
        errors=(*MANAGER_ERRORS, WebhookDisabled),
    )
    def replay(self, request: Request, webhook_id: UUID) -> Response:
        cursor = self.read_body(ReplaySerializer)["after"]
        after = START if cursor is None else position_of(cursor)
        endpoint = services.replay(webhook_id=webhook_id, actor=self.actor, after=after)
        return Response(webhook_document(endpoint))

    def _require_public(self, url: str) -> None:
        try:
            # A name without an address is accepted. It is checked again at each delivery.
            require_public(target_of(url), cast(Any, self.request).host_addresses)
        except Refused as refused:
            raise serializers.ValidationError(
                {"url": [str(refused)]}, code="refused_url"
            ) from refused

    def _read(self, serializer_class: type[serializers.Serializer]) -> dict[str, Any]:
        """
        Return the validated body.

        :raises ValidationError: also if the host of the URL has an address that isn't public, or if
            it names an account that the caller may not see
        """
        body = self.read_body(serializer_class)
        if "url" in body:
            self._require_public(body["url"])
        wanted = body.get("account_ids", [])
        visible = Account.objects.visible_to(self.actor).filter(pk__in=wanted)
        known = set(map(str, visible.values_list("pk", flat=True))) if wanted else set()
        for each in wanted:
            if each not in known:
                raise serializers.ValidationError(
                    {"account_ids": [f"Account {each} doesn't exist, or you may not see it."]},
                    code="unknown_account",
                )
        return body
