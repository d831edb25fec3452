"""The errors of idempotency keys. Plain Python, without Django."""

from typing import Self

from api.errors import ApiError
from ledger_project.idempotency.keys import LONGEST_KEY


class KeyMissing(ApiError):
    code = "idempotency_key_missing"
    status = 400
    meaning = "A POST, PATCH or DELETE was sent without an `Idempotency-Key`."
    remedy = "Send one, such as a UUID."
    detail = (
        "Send an Idempotency-Key header, such as a UUID: new for each operation, and the same for "
        "each retry of it."
    )


class KeyInvalid(ApiError):
    code = "idempotency_key_invalid"
    status = 400
    meaning = "The key is empty, too long, or contains characters that aren't allowed."
    remedy = "Send a UUID."
    detail = (
        f"An Idempotency-Key must have 1 to {LONGEST_KEY} visible ASCII characters and no comma. "
        "Between quotation marks, it must not contain quotation marks or backslashes. Send a UUID."
    )


class KeyNotFound(ApiError):
    code = "idempotency_key_not_found"
    status = 404
    meaning = "You have no stored request with this key: nothing was done."
    remedy = "It is safe to send the request."
    detail = (
        "You have no stored request with this Idempotency-Key: nothing was done. It is safe to "
        "send the request."
    )


class KeyReused(ApiError):
    code = "idempotency_key_reused"
    status = 409
    meaning = "The key was already used for another request."
    remedy = "Send a new request with a new key."
    detail = "This Idempotency-Key was used for another request. Send a new key with a new request."


class KeyInProgress(ApiError):
    code = "idempotency_in_progress"
    status = 409
    meaning = "A request with this key is still being processed."
    remedy = "Retry with the same key after `Retry-After` seconds."
    detail = (
        "A request with this Idempotency-Key is still being processed. Retry with the same key."
    )
    retry_after = 1


class KeyExpired(ApiError):
    code = "idempotency_key_expired"
    status = 409
    meaning = (
        "The request was already processed, and its response is no longer stored. It wasn't "
        "carried out again."
    )
    remedy = "Read the statement to see what it did."
    detail = (
        "This request was already processed, and its response is no longer stored. It was not "
        "carried out again. Read the statement to see what it did."
    )


class AnswerWithheld(ApiError):
    """The stored response required a permission that the user no longer has."""

    code = "idempotency_answer_withheld"
    status = 409
    meaning = (
        "The request was already processed, with the status `response_status`. The response isn't "
        "shown, because it required a permission that you no longer have. The request wasn't "
        "carried out again."
    )
    remedy = "If `response_status` is below 300, don't send the request with a new key."
    figures = {"response_status": (int, "The status of the response to the first request.")}

    def __init__(self, response_status: int) -> None:
        # Clients must not conclude that the request was never carried out.
        if response_status < 300:
            happened = "was carried out when it was first sent, and was not carried out again"
            advice = "Don't send it with a new key: that would carry it out a second time."
        else:
            happened = "was refused when it was first sent, and nothing was done"
            advice = "To try again, send a new key."
        super().__init__(
            f"This request {happened}. Its response isn't shown, because it required a permission "
            f"that you no longer have. {advice}",
            response_status=response_status,
        )

    @classmethod
    def example(cls) -> Self:
        return cls(201)


# The errors of all operations that need a key.
OF_KEYS = (KeyMissing, KeyInvalid, KeyReused, KeyInProgress, KeyExpired, AnswerWithheld)
