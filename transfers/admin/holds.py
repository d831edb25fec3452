"""The panel of the home page with the holds that expire next."""

from typing import Any

from django.http import HttpRequest

from accounts.admin.home import home_panel
from accounts.rights import may
from database.windows import keys_among
from transfers import clock
from transfers.admin.links import transfer_row
from transfers.models import Transfer
from transfers.querysets import TransferStatus

# The panel shows the first pending holds among this many, because others may be resolved already.
SEARCHED, SHOWN = 1_000, 8


@home_panel(order=30, title="Holds that expire next", template="admin/transfers/holds.html")
def expiring_holds(request: HttpRequest) -> dict[str, Any] | None:
    """Return the pending holds that expire next."""
    if not may(request.user, "accounts.read_any"):
        return None
    window = Transfer.objects.filter(expires_at__gt=clock.of_statement()).order_by("expires_at")
    pending = Transfer.objects.in_status(TransferStatus.PENDING).order_by("expires_at", "pk")
    found = keys_among(window[:SEARCHED], pending[:SHOWN])
    holds = Transfer.objects.filter(pk__in=found).select_related("source", "dest", "hold")
    return {"rows": [transfer_row(hold) for hold in holds.order_by("expires_at", "pk")]}
