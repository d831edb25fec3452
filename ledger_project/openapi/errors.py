"""Every error that the API answers with, found from its class."""

from collections.abc import Iterator
from types import ModuleType

from accounts import exceptions as accounts
from api import exceptions as wire
from api.errors import ApiError
from ledger_project.idempotency import exceptions as idempotency
from ledger_project.server import exceptions as server
from transfers import exceptions as transfers

# A class with a code in one of these modules is an error of the API. Nothing else lists it.
MODULES = (wire, server, idempotency, accounts, transfers)


def _classes(module: ModuleType) -> Iterator[type[ApiError]]:
    for each in vars(module).values():
        if isinstance(each, type) and issubclass(each, ApiError) and "code" in vars(each):
            yield each


def _catalogue() -> dict[str, ApiError]:
    classes = {each for module in MODULES for each in _classes(module)}
    ordered = sorted(classes, key=lambda each: (each.status, each.code))
    return {each.code: each.example() for each in ordered}


# The example of each error by its code, in the order of their statuses and codes.
ERRORS = _catalogue()


def table() -> str:
    """Return the table of every error in Markdown. A `type` leads to the anchor of its row."""
    rows = [
        f'| <a id="{code}"></a>`{code}` | {error.status} | {error.meaning} | {error.remedy} |'
        for code, error in ERRORS.items()
    ]
    return "\n".join(["| code | status | it means | what to do |", "|---|---:|---|---|", *rows])


def _unknown(code: str, detail: str) -> ApiError:
    return wire.ValidationFailed([{"pointer": "#/colour", "code": code, "detail": detail}])


# What may be wrong with a request that has no amount: a name that isn't one of its own.
UNKNOWN_FIELD = _unknown("unknown_field", wire.UNKNOWN_FIELD)
UNKNOWN_PARAMETER = _unknown("unknown_parameter", wire.UNKNOWN_PARAMETER)
