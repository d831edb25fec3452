"""Looking up the answer that a client has lost."""

import json
from typing import cast

from django.contrib.auth.models import User
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.parsers import refuse_query
from ledger_project.problems import Problem


class IdempotencyKeySerializer(serializers.ModelSerializer):
    """A key with what it was sent for and the answer that it got."""

    created_at = serializers.DateTimeField(read_only=True)
    response_body = serializers.SerializerMethodField(
        help_text="The answer as JSON; null once it is no longer kept."
    )

    class Meta:
        model = IdempotencyKey
        fields = ("key", "method", "path", "created_at", "response_status", "response_body")
        read_only_fields = fields

    def get_response_body(self, record: IdempotencyKey) -> dict | None:
        return json.loads(record.response_body) if record.response_body else None


class IdempotencyKeyView(APIView):
    """What became of a request of the caller's, by its Idempotency-Key."""

    http_method_names = ["get", "head"]

    def get(self, request: Request, key: str) -> Response:
        refuse_query(request)
        record = IdempotencyKey.objects.filter(user=cast(User, request.user), key=key).first()
        if record is None:
            raise Problem(
                404,
                "idempotency_key_not_found",
                "You have no request with this Idempotency-Key: it is safe to send it.",
            )
        return Response(IdempotencyKeySerializer(record).data)
