"""What is wrong with a key, or with another request under it, in the words that a client reads."""

from api.problems import Problem


def missing() -> Problem:
    """Return the answer to a write without a key."""
    return Problem(
        400,
        "idempotency_key_missing",
        "Send an Idempotency-Key header, such as a UUID: new for each operation, and the same for "
        "each retry of it.",
    )


def malformed() -> Problem:
    """Return the answer to a header that isn't a key."""
    return Problem(
        400,
        "idempotency_key_invalid",
        "An Idempotency-Key has 1 to 255 characters of visible ASCII, without a comma; one in "
        "quotation marks has no other quotation mark and no backslash.",
    )


def not_found() -> Problem:
    """Return the answer to the look-up of a key under which nothing was done."""
    return Problem(
        404,
        "idempotency_key_not_found",
        "You have no request with this Idempotency-Key: it is safe to send it.",
    )


def reused() -> Problem:
    """Return the answer to another request than the one that the key was used for."""
    return Problem(
        409,
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request. Send a new key with a new request.",
    )


def in_progress() -> Problem:
    """Return the answer to a copy that has waited for the first request for too long."""
    return Problem(
        409,
        "idempotency_in_progress",
        "A request with this Idempotency-Key is still being processed. Retry with the same key.",
        retry_after=1,
    )


def expired() -> Problem:
    """Return the answer to a retry whose stored answer was purged."""
    return Problem(
        409,
        "idempotency_key_expired",
        "This request was answered before, and the answer is no longer stored. It was not "
        "carried out again; look at the statement for what it did.",
    )


def withheld(response_status: int) -> Problem:
    """Return the answer to a retry by a user who may no longer see the stored answer."""
    # A client must not conclude from this that the request was never carried out.
    if response_status < 300:
        happened = "was carried out when it was first sent, and was not carried out again"
        advice = "Don't send it with a new key: that would carry it out a second time."
    else:
        happened = "was refused when it was first sent, and nothing was done"
        advice = "To try again, send a new key."
    return Problem(
        409,
        "idempotency_answer_withheld",
        f"This request {happened}. Its answer isn't shown, because it required a permission that "
        f"you no longer have. {advice}",
        response_status=response_status,
    )
