"""Batches of transfers over HTTP."""

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.exceptions import ApprovalRequired
from api.errors import LedgerError
from api.operations import Operation
from api.scopes import Scope
from api.viewset import LedgerViewSet
from transfers import services
from transfers.answers import BatchAnswerSerializer
from transfers.examples import ORDER, TRANSFER, WATER, WATER_ORDER
from transfers.exceptions import ORDER_ERRORS
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.serializers import (
    LARGEST_BATCH,
    BatchSerializer,
    TransferSerializer,
    order_of,
    transfer_document,
)
from transfers.views.who import who_may


class BatchViewSet(LedgerViewSet):
    """Post up to ``LARGEST_BATCH`` transfers at once, all or nothing."""

    queryset = Transfer.objects.none()
    serializer_class = TransferSerializer
    # Batches have the largest bodies. A longer body is refused before it is read.
    max_body = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    @Operation(
        "createBatch",
        "Transfers",
        "Post a batch of transfers",
        who=who_may(Kind.TRANSFER, "the owner of every source"),
        scope=Scope.TRANSFERS_WRITE,
        description=f"Posts up to {LARGEST_BATCH:,} transfers in order, all or nothing. Each "
        "transfer sees the effect of those before it. An error names the transfer by `pointer` and "
        "`index`, except `destination_unavailable`.",
        request=BatchSerializer,
        requests={"Two transfers": {"transfers": [ORDER, WATER_ORDER]}},
        status=201,
        response=BatchAnswerSerializer,
        answers={"Posted": {"transfers": [TRANSFER, WATER]}},
        evidence={"insufficient_funds": {"pointer": "#/transfers/1", "index": 1}},
        errors=(*ORDER_ERRORS, ApprovalRequired),
    )
    def create(self, request: Request) -> Response:
        orders = [order_of(item) for item in self.read_body(BatchSerializer)["transfers"]]
        try:
            posted = services.post_batch(orders=orders, actor=self.actor)
        except LedgerError as refusal:
            if refusal.index is not None:
                refusal.evidence |= {
                    "pointer": f"#/transfers/{refusal.index}",
                    "index": refusal.index,
                }
            raise
        documents = [transfer_document(each) for each in posted]
        return Response({"transfers": documents}, status=201)
