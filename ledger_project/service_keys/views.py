"""Service keys over HTTP."""

from uuid import UUID

from django.db.models import QuerySet
from django_filters import FilterSet
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from api.exceptions import PermissionDenied
from api.operations import LOGGED_IN, Operation
from api.scopes import ONLY_PEOPLE
from api.shown_once import ShownOnce
from api.viewset import LedgerViewSet
from ledger_project.service_keys import services
from ledger_project.service_keys.examples import (
    NEW_SERVICE_KEY,
    OTHER_CLIENT_ID,
    REVOKED_SERVICE_KEY,
    SERVICE_KEY,
)
from ledger_project.service_keys.exceptions import ServiceKeyNotFound
from ledger_project.service_keys.models import ServiceKey
from ledger_project.service_keys.serializers import (
    CreateServiceKeySerializer,
    NewServiceKeySerializer,
    RevokeSerializer,
    ServiceKeyPageSerializer,
    ServiceKeySerializer,
    service_key_document,
)

OWNER_OR_READER = "the owner of the key, and users with the permission `service_keys.read_any`."


class ServiceKeyViewSet(mixins.ListModelMixin, LedgerViewSet):
    """Create, list, retrieve and revoke service keys. Only people may, not service keys."""

    queryset = ServiceKey.objects.none()
    serializer_class = ServiceKeySerializer
    filterset_class = FilterSet
    cursor_field = "pk"

    def get_queryset(self) -> QuerySet[ServiceKey]:
        return ServiceKey.objects.visible_to(self.actor)

    @Operation(
        "createServiceKey",
        "Service keys",
        "Create a service key",
        who=LOGGED_IN,
        scope=ONLY_PEOPLE,
        description="The key belongs to the caller, and may do what they may do within its scopes. "
        "**The secret is shown only once.** If the response is lost, revoke the key and create "
        "another one: in a replay, `client_secret` is null.",
        request=CreateServiceKeySerializer,
        requests={
            "For a backend that pays": {
                "name": "Shop backend",
                "scopes": ["accounts:read", "transfers:write"],
            },
            "For 90 days": {
                "name": "Monthly report",
                "scopes": ["accounts:read"],
                "expires_in": 90 * 24 * 60 * 60,
            },
        },
        status=201,
        response=NewServiceKeySerializer,
        answers={"Created": NEW_SERVICE_KEY},
    )
    def create(self, request: Request) -> Response:
        body = self.read_body(CreateServiceKeySerializer)
        key, secret = services.create(owner=self.actor, **body)
        return ShownOnce(
            service_key_document(key),
            ("client_secret", secret),
            status=201,
            headers={"Location": f"/service-keys/{key.pk}"},
        )

    @Operation(
        "listServiceKeys",
        "Service keys",
        "List service keys",
        who=f"{LOGGED_IN} They see their own keys, or all with `service_keys.read_any`.",
        scope=ONLY_PEOPLE,
        description="Newest first, with revoked and expired ones.",
        response=ServiceKeyPageSerializer,
        answers={"The only page": {"items": [SERVICE_KEY], "next_cursor": None}},
    )
    def list(self, request: Request) -> Response:
        return super().list(request)

    @Operation(
        "getServiceKey",
        "Service keys",
        "Retrieve a service key",
        who=OWNER_OR_READER,
        scope=ONLY_PEOPLE,
        response=ServiceKeySerializer,
        answers={"A service key": SERVICE_KEY},
        errors=(ServiceKeyNotFound,),
    )
    def retrieve(self, request: Request, client_id: UUID) -> Response:
        key = services.find(client_id=client_id, actor=self.actor)
        return Response(service_key_document(key))

    @Operation(
        "revokeServiceKey",
        "Service keys",
        "Revoke a service key",
        who="the owner of the key, and users with the permissions `service_keys.read_any` and "
        "`service_keys.revoke_any`.",
        scope=ONLY_PEOPLE,
        description="The key and all of its tokens stop working at once. Revoking a revoked key "
        "succeeds and changes nothing.",
        tried_on=OTHER_CLIENT_ID,
        request=RevokeSerializer,
        requests={"With a reason": {"reason": "Replaced by a new key"}, "Without a reason": {}},
        response=ServiceKeySerializer,
        answers={"Revoked": REVOKED_SERVICE_KEY},
        errors=(ServiceKeyNotFound, PermissionDenied),
    )
    def revoke(self, request: Request, client_id: UUID) -> Response:
        body = self.read_body(RevokeSerializer)
        key = services.revoke(client_id=client_id, actor=self.actor, **body)
        return Response(service_key_document(key))
