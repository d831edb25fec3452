"""The catalogue of errors that the API returns, collected from their classes."""

from collections.abc import Iterator
from types import ModuleType

from accounts import exceptions as accounts
from api import exceptions as wire
from api import scopes
from api.errors import ApiError
from api.parsers import unknown_parameter
from events.webhooks import exceptions as webhooks
from ledger_project.idempotency import exceptions as idempotency
from ledger_project.service_keys import exceptions as service_keys
from transfers import exceptions as transfers
from transfers.approvals import exceptions as approvals

# Every class with a code in these modules is an error of the API. There is no other list.
MODULES = (wire, scopes, idempotency, service_keys, accounts, transfers, approvals, webhooks)


def _classes(module: ModuleType) -> Iterator[type[ApiError]]:
    for each in vars(module).values():
        if isinstance(each, type) and issubclass(each, ApiError) and "code" in vars(each):
            yield each


def _catalogue() -> dict[str, ApiError]:
    classes = {each for module in MODULES for each in _classes(module)}
    ordered = sorted(classes, key=lambda each: (each.status, each.code))
    return {each.code: each.example() for each in ordered}


# An example of each error by code, sorted by status and code.
ERRORS = _catalogue()


def table(*, anchors: bool) -> str:
    """
    Return a Markdown table of all errors.

    :param anchors: whether each row has an anchor for links to its code
    """
    rows = [
        (f'<a id="{code}"></a>' if anchors else "")
        + f"`{code}` | {error.status} | {error.meaning} | {error.remedy} |"
        for code, error in ERRORS.items()
    ]
    header = ["| code | status | it means | what to do |", "|---|---:|---|---|"]
    return "\n".join([*header, *(f"| {row}" for row in rows)])


def _unknown(code: str, detail: str) -> ApiError:
    return wire.ValidationFailed([{"pointer": "#/colour", "code": code, "detail": detail}])


# Examples of validation_failed for requests without an amount.
UNKNOWN_FIELD = _unknown("unknown_field", wire.UNKNOWN_FIELD)
UNKNOWN_PARAMETER = _unknown("unknown_parameter", unknown_parameter(["cursor", "limit"]))
