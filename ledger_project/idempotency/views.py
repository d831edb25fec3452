"""The look-up of stored responses."""

from typing import Any, cast

from django.contrib.auth.models import User
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.fields import InstantField
from api.operations import Operation
from api.parsers import refuse_query
from api.routes import scope_of
from api.scopes import Scope, has_scopes
from database.replication import read_confirmed
from ledger_project.idempotency.exceptions import KeyNotFound
from ledger_project.idempotency.keys import read_key
from ledger_project.idempotency.models import IdempotencyKey

KEY_SCHEMA = {"$ref": "#/components/schemas/Key"}
# The demo data contains this key and its response.
EXAMPLE_KEY = "5f8a2c1e-7d43-4b0a-9c57-1e6f0a3b9d28"
EXAMPLE = {
    "key": EXAMPLE_KEY,
    "method": "POST",
    "path": "/accounts",
    "created_at": "2026-01-05T09:30:00.000000Z",
    "response_status": 201,
    "response_body": {
        "id": "019b8d7d-f1c0-7000-8000-000000000001",
        "owner_name": "Ada Lovelace",
        "currency": "USD",
        "status": "OPEN",
        "balance": 0,
        "held": 0,
        "available": 0,
        "overdraft_limit": 0,
        "version": 0,
        "metadata": {"purpose": "household"},
        "created_at": "2026-01-05T09:30:00.000000Z",
    },
}


class IdempotencyKeySerializer(serializers.ModelSerializer):
    """A key, the request it was sent with, and the stored response."""

    created_at = InstantField(read_only=True)
    response_body = serializers.SerializerMethodField(
        help_text="The JSON body of the response; null if it is no longer stored, or if it "
        "requires a permission or a scope that you don't have."
    )

    class Meta:
        model = IdempotencyKey
        fields = ("key", "method", "path", "created_at", "response_status", "response_body")
        read_only_fields = fields

    def get_response_body(self, record: IdempotencyKey) -> dict | None:
        answer = record.answer()
        user = self.context["user"]
        if answer is None or not record.may_be_shown_to(user):
            return None
        # A service key sees no response to a request that it couldn't have sent.
        if not has_scopes(user, [scope_of(record.method, record.path)]):
            return None
        return answer.document


class IdempotencyKeyView(APIView):
    """Return the stored response to a request of the caller, by its Idempotency-Key."""

    http_method_names = ["get", "head"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # 401, 405 and 422 come first. DRF would check for 406 before them.
        self.perform_authentication(request)
        self.check_permissions(request)
        if (request.method or "").lower() not in self.http_method_names:
            self.http_method_not_allowed(request)
        refuse_query(request)
        super().initial(request, *args, **kwargs)

    @Operation(
        "getIdempotencyKey",
        "Idempotency",
        "Retrieve a stored response",
        who="the user who sent the request.",
        scope=Scope.ACCOUNTS_READ,
        description="For a client that didn't receive the response to a request. 404 means that "
        "nothing was done under this key.",
        parameters=(
            OpenApiParameter(
                "key",
                KEY_SCHEMA,
                OpenApiParameter.PATH,
                description="The `Idempotency-Key` that the request was sent with.",
                examples=[OpenApiExample("The key of an opened account", EXAMPLE_KEY)],
            ),
        ),
        response=IdempotencyKeySerializer,
        answers={"An opened account": EXAMPLE},
        errors=(KeyNotFound,),
    )
    def get(self, request: Request, key: str) -> Response:
        user = cast(User, request.user)
        # Don't look for an invalid key: PostgreSQL would refuse a NUL.
        if (wanted := read_key(key)) is None:
            raise KeyNotFound()
        found = read_confirmed(IdempotencyKey.objects.filter(user=user, key=wanted))
        if not found:
            raise KeyNotFound()
        return Response(IdempotencyKeySerializer(found[0], context={"user": user}).data)
