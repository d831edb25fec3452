"""Metrics of the money that this process has moved."""

from collections.abc import Iterable

from prometheus_client import Counter

from api.metrics import LEDGER_LABEL, of_ledger
from transfers.models import Transfer

TRANSFERS = Counter(
    "ledger_transfers",
    "Transfers that were committed, by kind and currency.",
    ["kind", "currency", *LEDGER_LABEL],
)
AMOUNT = Counter(
    "ledger_transferred_amount",
    "The sum of the amounts of committed transfers in minor units, by kind and currency.",
    ["kind", "currency", *LEDGER_LABEL],
)


def count(transfers: Iterable[Transfer]) -> None:
    """Count transfers. Call this after their transaction was committed."""
    for transfer in transfers:
        labels = transfer.kind, transfer.currency
        of_ledger(TRANSFERS, *labels).inc()
        of_ledger(AMOUNT, *labels).inc(transfer.amount)
