"""
Texts of the OpenAPI document that belong to no single operation.

A member means the same in every schema, so it is described once here. The ``help_text`` of a
serializer or filter overrides that.
"""

from accounts.enums import AccountStatus
from accounts.examples import ACCOUNT_ID, OTHER_ACCOUNT_ID
from api.fields import METADATA_MAX_BYTES, METADATA_MAX_MEMBERS
from api.scopes import Scope
from events.types import EventType
from events.webhooks.examples import DELIVERY_ID, WEBHOOK_ID
from events.webhooks.statuses import DeliveryStatus, EndpointStatus
from ledger_project.service_keys.examples import CLIENT_ID
from ledger_project.tokens import ACCESS_MINUTES
from transfers.approvals.examples import APPROVAL_ID
from transfers.approvals.statuses import ApprovalKind, ApprovalStatus
from transfers.examples import TRANSFER_ID
from transfers.kinds import Kind
from transfers.models import LONGEST_MEMO
from transfers.posting import EntryType
from transfers.querysets import TransferStatus

INTRODUCTION = f"""\
A double-entry ledger over HTTP: open accounts, move money between them, and read their statements.

**Authentication.** `POST /auth/token` returns an `access` token and a `refresh` token. To try the
operations here, press **Authorize** and paste the access token. It is valid for {ACCESS_MINUTES}
minutes; get the next one from `POST /auth/token/refresh`. A program uses a service key instead of a
password, and may do what the scopes of the key allow.

**Money.** Amounts are positive integers in minor units: `2500` is 25.00 USD, or 2500 JPY.

**Idempotency.** Every `POST`, `PATCH` and `DELETE` except those of `/auth` requires an
`Idempotency-Key`, such as a UUID. If you don't receive the response, send the same request with the
same key: it is carried out once, and every retry gets the stored response, with
`Idempotent-Replayed: true`. Use a new key for each new operation. A key that is used again with a
different request is refused.

**Examples.** The examples work on the demo data, for the user `demo`. They move money between the
accounts `{ACCOUNT_ID}` and `{OTHER_ACCOUNT_ID}`.
With other data, replace these ids by those of your own accounts. To capture or void a hold, place
one first and use its id, because holds expire. On the page `/docs`, **Execute** sends a new UUID in
place of the example of the `Idempotency-Key`. To try a retry, enter a key of your own, and execute
the request twice.

**Errors.** Errors are [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem documents. Write
your code against `code`. A request that is refused changes nothing.
"""

# In the order in which a new user needs them.
TAGS = {
    "Authentication": "Obtain, refresh and revoke tokens.",
    "Service keys": "Create, list and revoke the credentials of machines.",
    "Accounts": "Open, update, freeze and close accounts.",
    "Money": "Deposit and withdraw money.",
    "Transfers": "Move money between accounts, at once or by holds. Reverse transfers.",
    "Approvals": "See what waits for a second person. Approve, decline and withdraw it.",
    "Statements": "Read the entries of an account, and its balance at any point in time.",
    "Events": "Follow what happens: every transfer and every change of an account.",
    "Webhooks": "Have events sent to your own service, and see what became of them.",
    "Idempotency": "Look up the stored response to an earlier request.",
    "Integrity": "Audit the books.",
    "Health": "Check the service, and monitor it.",
}

PATH_PARAMETERS = {
    "account_id": ("The id of the account.", ACCOUNT_ID),
    "transfer_id": ("The id of the transfer.", TRANSFER_ID),
    "approval_id": ("The id of the approval.", APPROVAL_ID),
    "client_id": ("The id of the service key.", CLIENT_ID),
    "webhook_id": ("The id of the webhook.", WEBHOOK_ID),
    "delivery_id": ("The id of the delivery.", DELIVERY_ID),
}

MEMBERS = {
    "id": "Assigned by the ledger: a UUID that sorts by the time of creation.",
    "account_id": "The id of the account.",
    "transfer_id": "The id of the transfer.",
    "source_account_id": "The account that is debited.",
    "dest_account_id": "The account that is credited.",
    "hold_id": "The hold that this CAPTURE or VOID resolves; null for other kinds.",
    "reverses_id": "The transfer that this REVERSAL reverses; null for other kinds.",
    "owner_name": "The name of the account or of its holder: free text.",
    "currency": "ISO 4217, such as USD. Amounts are in its minor unit.",
    "amount": "In minor units: 2500 is 25.00 USD, or 2500 JPY.",
    "balance": "Credits minus debits, in minor units.",
    "held": "The amount reserved by pending holds, in minor units.",
    "overdraft_limit": "How far below 0 the balance may go, in minor units.",
    "version": "The number of entries of the account.",
    "sequence": "Numbers the entries of an account from 1, without gaps.",
    "memo": f"What the transfer is for, in at most {LONGEST_MEMO} characters, or null.",
    "metadata": f"Your own data: at most {METADATA_MAX_MEMBERS} strings, "
    f"{METADATA_MAX_BYTES // 1024} KiB in total. The ledger never uses it.",
    "created_at": "When it was created, in UTC.",
    "expires_at": "When a HOLD expires, in UTC; null for other kinds.",
    "ts": "When the entry was posted, in UTC.",
    "items": "The items of the page.",
    "client_id": "Identifies the service key, like a name.",
    "key": "The Idempotency-Key.",
    "method": "The method of the request.",
    "path": "The path of the request, with its query.",
    "response_status": "The status of the response.",
}

# The meaning of each value of the enums.
VALUES = {
    "AccountStatus": {each.value: each.meaning for each in AccountStatus},
    "TransferKind": {each.value: each.rules.meaning for each in Kind},
    "TransferStatus": {each.value: each.meaning for each in TransferStatus},
    "ApprovalKind": {each.value: each.meaning for each in ApprovalKind},
    "ApprovalStatus": {each.value: each.meaning for each in ApprovalStatus},
    "WebhookStatus": {each.value: each.meaning for each in EndpointStatus},
    "DeliveryStatus": {each.value: each.meaning for each in DeliveryStatus},
    "EventType": {each.value: each.meaning for each in EventType},
    "Scope": {each.value: each.meaning for each in Scope},
    "EntryType": {each.value: each.meaning for each in EntryType},
}


def meaning(enum: str) -> str:
    """Return a Markdown list of the values of an enum, or "" if they need no explanation."""
    values = VALUES.get(enum, {})
    return "\n".join(f"- `{value}`: {words}" for value, words in values.items())
