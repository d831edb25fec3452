"""The audit over HTTP."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rights import may
from api.exceptions import PermissionDenied, TemporarilyUnavailable
from api.operations import Operation, users_with
from api.viewset import LedgerViewSet
from audit.answers import OUT_OF_ORDER, REPORT, IntegritySerializer
from audit.models import Verdict
from audit.verdict import verdict


class MayReadAny(BasePermission):
    """For whoever may see every account."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return may(request.user, "accounts.read_any")


class IntegrityViewSet(LedgerViewSet):
    """Audit the ledger: the trial balance, and the result of every check."""

    queryset = Verdict.objects.none()
    permission_classes = (MayReadAny,)

    @Operation(
        "getIntegrity",
        "Integrity",
        "Audit the ledger",
        who=users_with("accounts.read_any"),
        description="Recomputes every invariant from the entries and compares the database schema "
        "with the expected one. If a check fails, the same report is sent with status 503. For a "
        "large ledger, the report is that of the last `manage.py verify_ledger`, at `checked_at`; "
        "only the schema is checked again.",
        response=IntegritySerializer,
        answers={"All in order": REPORT},
        also={(503, "application/json"): {"Out of order": OUT_OF_ORDER}},
        errors=(PermissionDenied,),
    )
    def retrieve(self, request: Request) -> Response:
        report = verdict()
        if report is None:
            raise NeverVerified()
        return Response(report, status=200 if report["ok"] else 503)


class NeverVerified(TemporarilyUnavailable):
    """The ledger is too large to be audited in a request, and there is no readable verdict."""

    detail = (
        "The ledger is too large to be audited in a request, and has no verdict that can be read. "
        "Run `manage.py verify_ledger`."
    )
    retry_after = 60
