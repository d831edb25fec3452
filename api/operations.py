"""
What is said of one operation of the API to a reader of its OpenAPI document.

A table holds only what a reader needs and the code doesn't say: words, examples, and the rules that
may refuse. What follows from the code (the key, paging, filters, who is let in, the errors that
every such route has) is derived by ``ledger_project.openapi``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from api.errors import LedgerError

# Who may do it, where it is said more than once.
ANYONE = "anyone; no token is needed."
READER = "the owner of the account, and holders of the permission `accounts.read_any`."
PUBLIC_READER = f"{READER} The operator may let anyone read it who knows the id."


def owner_or(permission: str, owner: str = "the owner of the account") -> str:
    """Return who may do what others than the owner need a permission for, besides seeing it."""
    return f"{owner}, and holders of `accounts.read_any` and `{permission}`."


def holders_of(*permissions: str) -> str:
    """Return who may do what nobody may without these permissions."""
    named = " and ".join(f"`{permission}`" for permission in permissions)
    return f"holders of {named}. In the demo data, log in as `admin` and **Authorize** its token."


@dataclass(frozen=True, kw_only=True)
class Operation:
    """
    What is said of one operation. Each example has its title as its key.

    ``who`` may do it. ``also`` has the answers with the body of a success and another status, and
    ``evidence`` is what a refusal of this operation has beside its own, if it has an ``index``.
    ``tried_on`` is the id that its path has as an example, where the common one wouldn't do.
    ``refusals`` are the rules of the ledger that may refuse it, and ``codes`` are the codes of
    other errors that don't follow from the view.
    """

    id: str
    summary: str
    tag: str
    who: str
    description: str = ""
    tried_on: str = ""
    parameters: tuple[OpenApiParameter, ...] = ()
    request: type[serializers.Serializer] | None = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    response: Any = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    csv: str = ""
    location: str = ""
    refusals: tuple[type[LedgerError], ...] = ()
    codes: tuple[str, ...] = ()
