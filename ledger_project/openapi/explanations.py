"""What each error means and what to do about it, as /docs says it where the `type` leads."""

# In the words of docs/api.md, by code.
EXPLANATIONS: dict[str, tuple[str, str]] = {
    "malformed_json": (
        "The body is not JSON, names a member twice, or is nested too deeply.",
        "Correct the body.",
    ),
    "malformed_request": (
        "The request isn't valid HTTP/1.1, contradicts itself, or broke off before its end. Or its "
        "target has a fragment (`#`), or an escape that isn't UTF-8.",
        "Correct the request, or send it again whole.",
    ),
    "invalid_host": (
        "The host name isn't one that the service answers to.",
        "Check the URL; the operator sets `LEDGER_ALLOWED_HOSTS`.",
    ),
    "idempotency_key_missing": ("A write came without a key.", "Send an `Idempotency-Key`."),
    "idempotency_key_invalid": (
        "The key is empty, too long, or has other characters than allowed.",
        "Send a UUID.",
    ),
    "same_account": ("Source and dest are one account.", "Correct the ids."),
    "currency_mismatch": (
        "Source and dest are of different currencies.",
        "Use accounts of one currency.",
    ),
    "invalid_cursor": (
        "The cursor wasn't made for this list and these filters.",
        "Start again without a cursor.",
    ),
    "not_authenticated": ("No token was sent.", "Send `Authorization: Bearer …`."),
    "authentication_failed": (
        "Name and password don't match, or the user is deactivated.",
        "Check both.",
    ),
    "token_not_valid": (
        "The token is forged, expired or revoked, or was used before.",
        "Refresh, or log in again.",
    ),
    "permission_denied": ("You may see it, but not do this.", "Ask somebody who may."),
    "not_found": (
        "There is nothing at this address.",
        "Check the URL: no trailing slash, ids are UUIDs.",
    ),
    "account_not_found": (
        "No such account, or it isn't yours.",
        "Check the id. Stored under the key.",
    ),
    "transfer_not_found": (
        "No such transfer, or it touches none of your accounts.",
        "Check the id. Stored under the key.",
    ),
    "idempotency_key_not_found": ("You have no request under this key.", "It is safe to send it."),
    "method_not_allowed": (
        "The address doesn't have this method.",
        "Use one that `Allow` names.",
    ),
    "not_acceptable": (
        "`Accept` excludes what the route can answer.",
        "Accept `application/json`.",
    ),
    "request_timeout": (
        "The request took more than ten seconds to arrive.",
        "Send it again over a faster connection.",
    ),
    "length_required": (
        "A POST or PATCH doesn't say how long its body is.",
        "Send `Content-Length`; it is 0 for an empty body.",
    ),
    "payload_too_large": ("The body is too long.", "Send less, or several batches."),
    "unsupported_media_type": (
        "The body isn't declared as JSON, or it has a `Content-Encoding`.",
        "Send `Content-Type: application/json`, and the body uncompressed.",
    ),
    "destination_unavailable": (
        "An account that you may not see can't take part in this now. The reason isn't disclosed.",
        "Ask its owner, or use another account.",
    ),
    "insufficient_funds": (
        "The source lacks `shortfall`: `available` is less than `required`.",
        "Fund it or ask for less, with a new key.",
    ),
    "account_frozen": (
        "The account is frozen.",
        "Ask an operator to unfreeze it; then use a new key.",
    ),
    "account_closed": ("The account is closed for good.", "Use another account."),
    "account_not_empty": (
        "An account with a balance or a hold can't be closed.",
        "Move the balance out and resolve the holds.",
    ),
    "balance_limit_exceeded": ("The account would pass 2^53 - 1.", "Use another account."),
    "hold_already_resolved": ("The hold was captured or voided before.", "Look at its status."),
    "hold_expired": ("The hold's time is over.", "Place a new hold."),
    "capture_exceeds_hold": ("More was asked for than is `held`.", "Capture at most that."),
    "not_a_hold": (
        "Only a HOLD can be captured or voided.",
        "Check the id; to undo a transfer, reverse it.",
    ),
    "already_reversed": ("The transfer was reversed before.", "Nothing: it is undone."),
    "not_reversible": (
        "A HOLD, VOID or REVERSAL can't be reversed.",
        "Void a hold; undo a reversal by a new transfer.",
    ),
    "idempotency_key_reused": (
        "The key was used for another request.",
        "Send a new key with a new request.",
    ),
    "idempotency_in_progress": (
        "A request with this key is still being processed.",
        "Retry with the same key after `Retry-After`.",
    ),
    "idempotency_key_expired": (
        "It was answered before, and the answer is no longer stored.",
        "It was not carried out again; look at the statement.",
    ),
    "idempotency_answer_withheld": (
        "It was answered with `response_status`, and the answer required a permission that you no "
        "longer have.",
        "It was not carried out again. If `response_status` is below 300, don't send it with a new "
        "key.",
    ),
    "validation_failed": (
        "A member or query parameter is missing, unknown, or of the wrong type or size.",
        "Correct what `errors` points at.",
    ),
    "throttled": (
        "Too many logins failed from this network, or for this name from networks new to it.",
        "Wait for `Retry-After` seconds.",
    ),
    "internal_error": (
        "The ledger failed; nothing was done.",
        "Retry with the same key; report the `X-Request-ID`.",
    ),
    "temporarily_unavailable": (
        "The database is away, or there is too much to do; nothing was done, or it was and will be "
        "replayed.",
        "Retry with the same key after `Retry-After`.",
    ),
}
