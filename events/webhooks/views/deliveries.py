"""The deliveries of webhooks over HTTP."""

from uuid import UUID

from django.db.models import QuerySet
from django_filters import FilterSet
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import EmptySerializer
from api.operations import Operation
from api.scopes import Scope
from api.viewset import LedgerViewSet
from events.webhooks import services
from events.webhooks.examples import DELIVERY
from events.webhooks.exceptions import (
    DeliveryNotFound,
    WebhookDisabled,
    WebhookNotFound,
)
from events.webhooks.models import Delivery
from events.webhooks.serializers import (
    DeliveryPageSerializer,
    DeliverySerializer,
    delivery_document,
)
from events.webhooks.views.who import MANAGER, MANAGER_ERRORS, READER


class DeliveryViewSet(mixins.ListModelMixin, LedgerViewSet):
    """The deliveries of a webhook."""

    queryset = Delivery.objects.none()
    serializer_class = DeliverySerializer
    filterset_class = FilterSet
    cursor_field = "pk"

    def get_queryset(self) -> QuerySet[Delivery]:
        endpoint = services.find(webhook_id=self.kwargs["webhook_id"], actor=self.actor)
        return endpoint.deliveries.select_related("event")

    @Operation(
        "listDeliveries",
        "Webhooks",
        "List the deliveries of a webhook",
        who=READER,
        scope=Scope.WEBHOOKS_WRITE,
        description="Newest first, each with the outcome of its last attempt.",
        response=DeliveryPageSerializer,
        answers={"The only page": {"items": [DELIVERY], "next_cursor": None}},
        errors=(WebhookNotFound,),
    )
    def list(self, request: Request, webhook_id: UUID) -> Response:
        return super().list(request)

    @Operation(
        "retryDelivery",
        "Webhooks",
        "Attempt a delivery again",
        who=MANAGER,
        scope=Scope.WEBHOOKS_WRITE,
        description="Attempts it as soon as possible, even if it succeeded before, and after "
        "failures for three days again. An attempt in progress isn't repeated.",
        request=EmptySerializer,
        requests={"An empty body": {}},
        response=DeliverySerializer,
        answers={"To be attempted": {**DELIVERY, "next_attempt_at": DELIVERY["attempted_at"]}},
        errors=(*MANAGER_ERRORS, DeliveryNotFound, WebhookDisabled),
    )
    def retry(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Response:
        self.read_body(EmptySerializer)
        delivery = services.retry(webhook_id=webhook_id, delivery_id=delivery_id, actor=self.actor)
        return Response(delivery_document(delivery))
