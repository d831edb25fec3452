"""The bodies of events, as the feed and the webhooks send them."""

from collections.abc import Mapping
from typing import Any

from accounts.models import Account
from accounts.serializers import account_document
from api.instants import instant
from events.models import Event
from transfers.kinds import Kind
from transfers.querysets import TransferStatus
from transfers.serializers import transfer_document


def body_of(event: Event) -> dict[str, Any]:
    """
    Return an event as ``{id, type, created_at, data}``. Requires an event fetched ``with_data()``.

    ``data`` is the transfer or the account as it was when the event happened. It doesn't depend on
    who reads it, and contains no balance of another account.
    """
    return {
        "id": str(event.uuid),
        "type": event.type,
        "created_at": instant(event.created_at),
        "data": _account(event) if event.transfer is None else _transfer(event.transfer),
    }


def _transfer(transfer: Any) -> dict[str, Any]:
    # Not its status when it is read: a hold may have been resolved since.
    reserves = Kind(transfer.kind).rules.reserves
    return transfer_document(
        transfer, TransferStatus.PENDING if reserves else TransferStatus.POSTED
    )


def _account(event: Event) -> dict[str, Any]:
    lasting = {name: getattr(event.account, name) for name in ("id", "currency", "created_at")}
    changing: Mapping[str, Any] = event.snapshot or {}
    return account_document(Account(**lasting, **changing))
