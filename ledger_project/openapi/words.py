"""
What the words of the API mean, for the OpenAPI document.

A member means the same wherever it stands, so it is said once. Where a serializer or a filter says
more (``help_text``), that is shown.
"""

from api.fields import METADATA_MAX_BYTES, METADATA_MAX_MEMBERS
from transfers.kinds import Kind
from transfers.models import LONGEST_MEMO

MEMBERS = {
    "id": "Given by the ledger: a UUID that sorts by the time at which it was made.",
    "account_id": "The id of the account.",
    "transfer_id": "The id of the transfer.",
    "source_account_id": "The account that is debited.",
    "dest_account_id": "The account that is credited.",
    "hold_id": "The hold that this CAPTURE or VOID resolves; null of any other kind.",
    "reverses_id": "The transfer that this REVERSAL gives back; null of any other kind.",
    "owner_name": "Whose account it is, in the caller's own words.",
    "currency": "ISO 4217, such as USD. Amounts are in its minor unit.",
    "amount": "In minor units: 2500 is 25.00 USD, and 2500 JPY.",
    "balance": "Credits less debits, in minor units.",
    "held": "What pending holds reserve, in minor units.",
    "overdraft_limit": "How far below 0 the balance may go, in minor units.",
    "version": "How many entries the account has.",
    "sequence": "Counts the entries of an account from 1, without a gap.",
    "memo": f"What it is for, in at most {LONGEST_MEMO} characters; null if nothing was said.",
    "metadata": f"The caller's own notes: at most {METADATA_MAX_MEMBERS} strings, "
    f"{METADATA_MAX_BYTES // 1024} KiB in all. The ledger never reads them.",
    "created_at": "When it was made, in UTC.",
    "expires_at": "When a HOLD expires, in UTC; null of any other kind.",
    "ts": "When it was posted, in UTC.",
    "items": "The items of this page.",
    "key": "The Idempotency-Key.",
    "method": "The method of the request.",
    "path": "The path of the request, with its query.",
    "response_status": "The status of the answer.",
}

# Each value of an enum.
VALUES = {
    "AccountStatus": {
        "OPEN": "money moves in and out.",
        "FROZEN": "nothing moves until an operator unfreezes it.",
        "CLOSED": "closed for good, at a balance of 0.",
    },
    "TransferKind": {kind.value: kind.rules.meaning for kind in Kind},
    "TransferStatus": {
        "POSTED": "it is done.",
        "REVERSED": "it was done, and was given back by a REVERSAL.",
        "PENDING": "a hold that reserves its amount.",
        "CAPTURED": "a hold of which a CAPTURE took what it wanted.",
        "VOIDED": "a hold that was released by a VOID.",
        "EXPIRED": "a hold whose time is over; it can't be captured.",
    },
    "EntryType": {
        "DEBIT": "takes its amount from the account.",
        "CREDIT": "adds its amount to the account.",
    },
}


def meaning(enum: str) -> str:
    """Return what each value of an enum means, as a list in Markdown, if that isn't obvious."""
    values = VALUES.get(enum, {})
    return "\n".join(f"- `{value}`: {words}" for value, words in values.items())
