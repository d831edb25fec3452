"""Every error that the API answers with, each as the very document that a client gets."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.exceptions import ErrorDetail
from rest_framework_simplejwt.exceptions import InvalidToken

from accounts.schema import REFUSALS as ACCOUNT_REFUSALS
from ledger_project.pagination import invalid_cursor
from ledger_project.problems import Problem, problem_of, too_large, unavailable
from ledger_project.server.refusals import broken_off, length_required, timed_out
from transfers.examples import REFUSALS as TRANSFER_REFUSALS

_RAISED: tuple[Exception, ...] = (
    exceptions.ParseError("The body is not valid JSON: Expecting value: line 1 column 1 (char 0)."),
    exceptions.NotAuthenticated(),
    exceptions.AuthenticationFailed(
        "No active account found with the given credentials", "no_active_account"
    ),
    InvalidToken(),
    PermissionDenied(),
    Http404(),
    exceptions.MethodNotAllowed("DELETE"),
    exceptions.NotAcceptable(),
    exceptions.UnsupportedMediaType("text/plain"),
    exceptions.ValidationError(
        {
            "amount": [
                ErrorDetail('Send a JSON integer, such as 5: not 5.0, "5" or true.', "invalid")
            ]
        }
    ),
    exceptions.Throttled(wait=42),
    *ACCOUNT_REFUSALS,
    *TRANSFER_REFUSALS,
)

_ANSWERED = (
    invalid_cursor(),
    too_large(64 * 1024),
    unavailable(),
    broken_off(),
    timed_out(),
    length_required(),
    Problem(400, "invalid_host", "This host is not in LEDGER_ALLOWED_HOSTS."),
    Problem(
        400,
        "idempotency_key_missing",
        "Send an Idempotency-Key header, such as a UUID: new for each operation, and the same for "
        "each retry of it.",
    ),
    Problem(
        400,
        "idempotency_key_invalid",
        "An Idempotency-Key has 1 to 255 characters of visible ASCII, without a comma; one in "
        "quotation marks has no other quotation mark and no backslash.",
    ),
    Problem(
        404,
        "idempotency_key_not_found",
        "You have no request with this Idempotency-Key: it is safe to send it.",
    ),
    Problem(
        409,
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request. Send a new key with a new request.",
    ),
    Problem(
        409,
        "idempotency_in_progress",
        "A request with this Idempotency-Key is still at work. Retry with the same key.",
        retry_after=1,
    ),
    Problem(
        409,
        "idempotency_key_expired",
        "This request was answered long ago, and the answer is no longer kept. It was not done "
        "again; look at the statement for what it did.",
    ),
    Problem(
        409,
        "idempotency_answer_withheld",
        "This request was carried out when it was first sent, and was not done again now. Its "
        "answer isn't shown, because it took a permission that you no longer have. Don't send it "
        "with a new key: that would do it a second time.",
        response_status=201,
    ),
    Problem(
        500,
        "internal_error",
        "The ledger failed, and nothing was done. Retry with the same Idempotency-Key; if it "
        "happens again, report the X-Request-ID of this answer.",
    ),
)


def _catalogue() -> dict[str, Problem]:
    problems = [*_ANSWERED, *filter(None, map(problem_of, _RAISED))]
    problems.sort(key=lambda problem: (problem.status, problem.code))
    return {problem.code: problem for problem in problems}


# By code, in the order of their statuses.
ERRORS = _catalogue()


def _unknown(code: str, detail: str) -> Problem:
    error = {"pointer": "#/colour", "code": code, "detail": detail}
    return Problem(422, "validation_failed", f"#/colour: {detail}", errors=[error])


# What may be wrong with a request that has no amount: a name that isn't one of its own.
UNKNOWN_FIELD = _unknown(
    "unknown_field", "There is no such field. Leave it out, or check its spelling."
)
UNKNOWN_PARAMETER = _unknown("unknown_parameter", "There is no such query parameter here.")
