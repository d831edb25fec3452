"""``GET /integrity``: the audit over HTTP."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rights import may
from api.exceptions import PermissionDenied, TemporarilyUnavailable
from api.operations import Operation, users_with
from api.scopes import Scope
from api.viewset import LedgerViewSet
from audit.models import Verdict
from audit.serializers import FAILED_REPORT, REPORT, IntegritySerializer
from audit.verdict import verdict


class MayReadAny(BasePermission):
    """Allow users with the permission ``accounts.read_any``."""

    permission = "accounts.read_any"
    message = f"This requires the permission {permission}."

    def has_permission(self, request: Request, view: Any) -> bool:
        return may(request.user, self.permission)


class IntegrityViewSet(LedgerViewSet):
    """Return the trial balance and the result of every check."""

    queryset = Verdict.objects.none()
    permission_classes = (MayReadAny,)
    standby_actions = frozenset({"retrieve"})

    @Operation(
        "getIntegrity",
        "Integrity",
        "Audit the ledger",
        who=users_with("accounts.read_any"),
        scope=Scope.ACCOUNTS_READ,
        description="Recomputes every invariant from the entries and compares the database schema "
        "with the expected one. If a check fails, the report has status 503. For a large ledger, "
        "this returns the last report of `manage.py verify_ledger`, which ran at `checked_at`, and "
        "only checks the schema again.",
        response=IntegritySerializer,
        answers={"Every check passed": REPORT},
        also={(503, "application/json"): {"A check failed": FAILED_REPORT}},
        errors=(PermissionDenied,),
    )
    def retrieve(self, request: Request) -> Response:
        report = verdict()
        if report is None:
            raise NeverVerified()
        return Response(report, status=200 if report["ok"] else 503)


class NeverVerified(TemporarilyUnavailable):
    """The ledger is too large to be audited in a request, and has no readable stored report."""

    detail = (
        "The ledger is too large to be audited in a request, and there is no readable report of an "
        "earlier audit. Run `manage.py verify_ledger`, which stores one."
    )
    retry_after = 60
