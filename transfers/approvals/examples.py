"""The approvals of the examples in the OpenAPI document. The demo data contains them."""

from typing import Any

from accounts.examples import ACCOUNT_ID, OTHER_ACCOUNT_ID

APPROVAL_ID = "019b8d7d-f1c0-7000-8000-0000000000d1"
# Each can be decided once, so one is approved, one is declined and one is withdrawn.
DECLINED_ID = "019b8d7d-f1c0-7000-8000-0000000000d2"
WITHDRAWN_ID = "019b8d7d-f1c0-7000-8000-0000000000d3"

APPROVAL: dict[str, Any] = {
    "id": APPROVAL_ID,
    "kind": "TRANSFER",
    "status": "PENDING",
    "amount": 25_00,
    "currency": "USD",
    "source_account_id": ACCOUNT_ID,
    "dest_account_id": OTHER_ACCOUNT_ID,
    "reverses_id": None,
    "account_id": None,
    "memo": "Refund of a fee",
    "metadata": {},
    "expires_in": None,
    "requested_by": "clerk",
    "requested_at": "2026-01-05T09:30:00.000000Z",
    "decided_by": None,
    "decided_at": None,
    "note": "",
    "transfer_id": None,
}
DECIDED = {**APPROVAL, "decided_by": "admin", "decided_at": "2026-01-31T12:00:00.000000Z"}
APPROVED = {
    **DECIDED,
    "status": "APPROVED",
    "note": "Agreed by phone",
    "transfer_id": "019c13ec-9e00-7000-8000-0000000000a5",
}
DECLINED = {
    **DECIDED,
    "id": DECLINED_ID,
    "status": "DECLINED",
    "note": "The fee was charged rightly",
}
WITHDRAWN = {**DECIDED, "id": WITHDRAWN_ID, "status": "WITHDRAWN", "requested_by": "admin"}
