"""Looking up the answer that a client has lost."""

from typing import Any, cast

from django.contrib.auth.models import User
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.fields import InstantField
from api.parsers import refuse_query
from ledger_project.idempotency import refusals
from ledger_project.idempotency.keys import read_key
from ledger_project.idempotency.models import IdempotencyKey


class IdempotencyKeySerializer(serializers.ModelSerializer):
    """A key with what it was sent for and the answer that it got."""

    created_at = InstantField(read_only=True)
    response_body = serializers.SerializerMethodField(
        help_text="The body of the answer as JSON; null once it is no longer kept, or if it took a "
        "permission that you no longer have."
    )

    class Meta:
        model = IdempotencyKey
        fields = ("key", "method", "path", "created_at", "response_status", "response_body")
        read_only_fields = fields

    def get_response_body(self, record: IdempotencyKey) -> dict | None:
        answer = record.answer()
        if answer is None or not record.may_be_shown_to(self.context["user"]):
            return None
        return answer.document


class IdempotencyKeyView(APIView):
    """What became of a request of the caller's, by its Idempotency-Key."""

    http_method_names = ["get", "head"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # 401, 405 and 422 come first: DRF would begin with 406.
        self.perform_authentication(request)
        self.check_permissions(request)
        if (request.method or "").lower() not in self.http_method_names:
            self.http_method_not_allowed(request)
        refuse_query(request)
        super().initial(request, *args, **kwargs)

    def get(self, request: Request, key: str) -> Response:
        user = cast(User, request.user)
        # What can't be a key is nobody's; PostgreSQL would not even look for a NUL.
        wanted = read_key(key)
        found = wanted and IdempotencyKey.objects.filter(user=user, key=wanted).first()
        if not found:
            raise refusals.not_found()
        return Response(IdempotencyKeySerializer(found, context={"user": user}).data)
