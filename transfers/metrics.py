"""Metrics of the money that this process has moved."""

from collections.abc import Iterable

from prometheus_client import Counter

from transfers.models import Transfer

TRANSFERS = Counter(
    "ledger_transfers", "Transfers that were committed, by kind and currency.", ["kind", "currency"]
)
AMOUNT = Counter(
    "ledger_transferred_amount",
    "The sum of the amounts of committed transfers in minor units, by kind and currency.",
    ["kind", "currency"],
)


def count(transfers: Iterable[Transfer]) -> None:
    """Count transfers. Call this after their transaction was committed."""
    for transfer in transfers:
        TRANSFERS.labels(transfer.kind, transfer.currency).inc()
        AMOUNT.labels(transfer.kind, transfer.currency).inc(transfer.amount)
