"""Examples of events in the OpenAPI document."""

from typing import Any

from accounts.examples import ACCOUNT
from transfers.examples import TRANSFER

POSTED: dict[str, Any] = {
    "id": "019c13ec-9e00-7000-8000-0000000000e1",
    "type": "transfer.posted",
    "created_at": TRANSFER["created_at"],
    "data": TRANSFER,
}
FROZEN: dict[str, Any] = {
    "id": "019c13ec-9e00-7000-8000-0000000000e2",
    "type": "account.frozen",
    "created_at": "2026-01-31T12:30:00.000000Z",
    "data": {**ACCOUNT, "status": "FROZEN"},
}
CURSOR = (
    "gAAAAABpffXIAQIDBAUGBwgJCgsMDQ4PEGFuIGV4YW1wbGUAAAAAAAAAAAAAAAAAAAAAAAAAAAAAb2YgYSByZWFsIGN1"
    "cnNvcgAAAAAAAAAAAAAAAAAAAAA"
)
