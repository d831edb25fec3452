"""Every error that the API answers with, each as the very document that a client gets."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.exceptions import ErrorDetail
from rest_framework_simplejwt.exceptions import InvalidToken

from accounts.examples import ACCOUNT_ID
from accounts.exceptions import AccountClosed, AccountFrozen, AccountNotEmpty, AccountNotFound
from api.pagination import invalid_cursor
from api.parsers import LARGEST_BODY
from api.problems import (
    Problem,
    internal_error,
    invalid_host,
    problem_of,
    too_large,
    unavailable,
)
from ledger_project.idempotency import refusals as idempotency
from ledger_project.openapi.explanations import EXPLANATIONS
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
    AccountNotFound(ACCOUNT_ID),
    AccountFrozen(ACCOUNT_ID),
    AccountClosed(ACCOUNT_ID),
    AccountNotEmpty(ACCOUNT_ID, 100_00, 0),
    *TRANSFER_REFUSALS,
)

_ANSWERED = (
    invalid_cursor(),
    too_large(LARGEST_BODY),
    unavailable(),
    broken_off(),
    timed_out(),
    length_required(),
    invalid_host(),
    idempotency.missing(),
    idempotency.malformed(),
    idempotency.not_found(),
    idempotency.reused(),
    idempotency.in_progress(),
    idempotency.expired(),
    idempotency.withheld(201),
    internal_error(),
)


def _catalogue() -> dict[str, Problem]:
    problems = [*_ANSWERED, *filter(None, map(problem_of, _RAISED))]
    problems.sort(key=lambda problem: (problem.status, problem.code))
    return {problem.code: problem for problem in problems}


# By code, in the order of their statuses.
ERRORS = _catalogue()


def table() -> str:
    """Return the table of every error in Markdown. A `type` leads to the anchor of its row."""
    rows = [
        f'| <a id="{code}"></a>`{code}` | {error.status} | {" | ".join(EXPLANATIONS[code])} |'
        for code, error in ERRORS.items()
    ]
    return "\n".join(["| code | status | it means | what to do |", "|---|---|---|---|", *rows])


def _unknown(code: str, detail: str) -> Problem:
    error = {"pointer": "#/colour", "code": code, "detail": detail}
    return Problem(422, "validation_failed", f"#/colour: {detail}", errors=[error])


# What may be wrong with a request that has no amount: a name that isn't one of its own.
UNKNOWN_FIELD = _unknown(
    "unknown_field", "There is no such field. Leave it out, or check its spelling."
)
UNKNOWN_PARAMETER = _unknown("unknown_parameter", "There is no such query parameter here.")
