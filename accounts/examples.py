"""The accounts in the documentation's examples. They also exist in the demo data."""

from datetime import UTC, datetime
from typing import Any

# The ids are UUIDv7s, which begin with the time at which the accounts were opened.
OPENED_AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
ACCOUNT_ID = "019b8d7d-f1c0-7000-8000-000000000001"
OTHER_ACCOUNT_ID = "019b8d7d-f1c0-7000-8000-000000000002"
# Trying out an example closes or freezes these accounts, so no other example uses them.
EMPTY_ACCOUNT_ID = "019b8d7d-f1c0-7000-8000-000000000003"
FROZEN_ACCOUNT_ID = "019b8d7d-f1c0-7000-8000-000000000004"

ACCOUNT: dict[str, Any] = {
    "id": ACCOUNT_ID,
    "owner_name": "Ada Lovelace",
    "currency": "USD",
    "status": "OPEN",
    "balance": 100_00,
    "held": 0,
    "available": 100_00,
    "overdraft_limit": 0,
    "version": 1,
    "metadata": {"purpose": "household"},
    "created_at": "2026-01-05T09:30:00.000000Z",
}
NEW_ACCOUNT = {**ACCOUNT, "balance": 0, "available": 0, "version": 0}
