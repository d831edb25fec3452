"""What is wrong with an Idempotency-Key, or with another request under it. Plain Python."""

from typing import Self

from api.errors import ApiError
from ledger_project.idempotency.keys import LONGEST_KEY


class KeyMissing(ApiError):
    code = "idempotency_key_missing"
    status = 400
    meaning = "A POST or PATCH was sent without an `Idempotency-Key`."
    remedy = "Send one, such as a UUID."
    detail = (
        "Send an Idempotency-Key header, such as a UUID: new for each operation, and the same for "
        "each retry of it."
    )


class KeyInvalid(ApiError):
    code = "idempotency_key_invalid"
    status = 400
    meaning = "The key is empty, too long, or has characters that aren't allowed."
    remedy = "Send a UUID."
    detail = (
        f"An Idempotency-Key has 1 to {LONGEST_KEY} characters of visible ASCII, without a comma; "
        "one in quotation marks has no other quotation mark and no backslash."
    )


class KeyNotFound(ApiError):
    code = "idempotency_key_not_found"
    status = 404
    meaning = "You have no request under this key: nothing was done."
    remedy = "It is safe to send the request."
    detail = "You have no request with this Idempotency-Key: it is safe to send it."


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
        "The request was answered before, and its response is no longer stored. It wasn't "
        "carried out again."
    )
    remedy = "Read the statement to see what it did."
    detail = (
        "This request was answered before, and the answer is no longer stored. It was not "
        "carried out again; look at the statement for what it did."
    )


class AnswerWithheld(ApiError):
    """The stored answer required a permission that the user no longer has."""

    code = "idempotency_answer_withheld"
    status = 409
    meaning = (
        "The request was already answered, with `response_status`. The response isn't shown, "
        "because it required a permission that you no longer have. The request wasn't carried out "
        "again."
    )
    remedy = "If `response_status` is below 300, don't send the request with a new key."

    def __init__(self, response_status: int) -> None:
        # A client must not conclude from this that the request was never carried out.
        if response_status < 300:
            happened = "was carried out when it was first sent, and was not carried out again"
            advice = "Don't send it with a new key: that would carry it out a second time."
        else:
            happened = "was refused when it was first sent, and nothing was done"
            advice = "To try again, send a new key."
        super().__init__(
            f"This request {happened}. Its answer isn't shown, because it required a permission "
            f"that you no longer have. {advice}",
            response_status=response_status,
        )

    @classmethod
    def example(cls) -> Self:
        return cls(201)


# What may refuse an operation that needs a key.
OF_KEYS = (KeyMissing, KeyInvalid, KeyReused, KeyInProgress, KeyExpired, AnswerWithheld)
