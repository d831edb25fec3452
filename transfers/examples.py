"""Examples of transfers in the OpenAPI document, which together form a consistent history."""

from datetime import UTC, datetime
from typing import Any

from accounts.examples import ACCOUNT, ACCOUNT_ID, OTHER_ACCOUNT_ID

# The example transfers are created at NOON. A UUIDv7 begins with the time of its creation.
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TRANSFER_ID = "019c13ec-9e00-7000-8000-0000000000a1"
OTHER_TRANSFER_ID = "019c13ec-9e00-7000-8000-0000000000a2"
# A hold can be resolved only once, so one is captured and the other voided. Neither is in the demo
# data, where they would have expired.
HOLD_ID = "019c13ec-9e00-7000-8000-0000000000a3"
OTHER_HOLD_ID = "019c13ec-9e00-7000-8000-0000000000a4"

TRANSFER: dict[str, Any] = {
    "id": TRANSFER_ID,
    "kind": "TRANSFER",
    "status": "POSTED",
    "amount": 25_00,
    "currency": "USD",
    "memo": "Rent for January",
    "metadata": {"invoice": "2026-001"},
    "source_account_id": ACCOUNT_ID,
    "dest_account_id": OTHER_ACCOUNT_ID,
    "hold_id": None,
    "reverses_id": None,
    "expires_at": None,
    "created_at": "2026-01-31T12:00:00.000000Z",
}
WATER = {
    **TRANSFER,
    "id": OTHER_TRANSFER_ID,
    "amount": 5_00,
    "memo": "Water for January",
    "metadata": {},
}
PENDING = {
    **TRANSFER,
    "id": HOLD_ID,
    "kind": "HOLD",
    "status": "PENDING",
    "memo": "Deposit for the room",
    "metadata": {},
    "expires_at": "2026-02-01T12:00:00.000000Z",
}
CAPTURE = {
    **PENDING,
    "id": OTHER_TRANSFER_ID,
    "kind": "CAPTURE",
    "status": "POSTED",
    "hold_id": HOLD_ID,
    "expires_at": None,
}
VOID = {**CAPTURE, "kind": "VOID", "memo": None, "hold_id": OTHER_HOLD_ID}
REVERSAL = {
    **TRANSFER,
    "id": OTHER_TRANSFER_ID,
    "kind": "REVERSAL",
    "memo": "Paid twice",
    "metadata": {},
    "source_account_id": OTHER_ACCOUNT_ID,
    "dest_account_id": ACCOUNT_ID,
    "reverses_id": TRANSFER_ID,
}
DEBITED = {**ACCOUNT, "balance": 75_00, "available": 75_00, "version": 2}
RESERVED = {**ACCOUNT, "held": 25_00, "available": 75_00}
PAYEE = {**ACCOUNT, "id": OTHER_ACCOUNT_ID, "owner_name": "Grace Hopper", "metadata": {}}
CREDITED = {**PAYEE, "balance": 25_00, "available": 25_00}
EMPTIED = {**PAYEE, "balance": 0, "available": 0, "version": 2}
STRANGER = {"id": OTHER_ACCOUNT_ID}
ITEM = {
    "id": "019c13ec-9e00-7000-8000-0000000000e1",
    "ts": "2026-01-31T12:00:00.000000Z",
    "account_id": ACCOUNT_ID,
    "transfer_id": TRANSFER_ID,
    "type": "DEBIT",
    "amount": 25_00,
    "balance": 75_00,
    "sequence": 2,
    "ref": "Rent for January",
    "kind": "TRANSFER",
    "counterparty_id": OTHER_ACCOUNT_ID,
    "currency": "USD",
}
BALANCE = {
    "account_id": ACCOUNT_ID,
    "currency": "USD",
    "at": "2026-01-31T12:00:00.000000Z",
    "balance": 75_00,
    "sequence": 2,
}
STATEMENT_CSV = f"{','.join(ITEM)}\r\n{','.join(str(value) for value in ITEM.values())}\r\n"
ORDER = {
    "source_account_id": ACCOUNT_ID,
    "dest_account_id": OTHER_ACCOUNT_ID,
    "amount": 25_00,
    "memo": "Rent for January",
    "metadata": {"invoice": "2026-001"},
}
WATER_ORDER = {**ORDER, "amount": 5_00, "memo": "Water for January", "metadata": {}}
HOLD_ORDER = {
    "source_account_id": ACCOUNT_ID,
    "dest_account_id": OTHER_ACCOUNT_ID,
    "amount": 25_00,
    "memo": "Deposit for the room",
    "hold": True,
    "expires_in": 86_400,
}
