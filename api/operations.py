"""
The description of an operation of the API, beside the view that carries it out.

It holds only what a reader of the OpenAPI document needs and the code doesn't say: words, examples,
and the errors that are particular to it. What follows from the code (the key, paging, filters, the
errors that every such route has) is derived by ``ledger_project.openapi``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter

from api.errors import ApiError

View = TypeVar("View", bound=Callable[..., Any])

# Who may do it, where several operations say the same.
ANYONE = "anyone, without a token."
LOGGED_IN = "anyone who is logged in."
READER = "the owner of the account, and users with the permission `accounts.read_any`."
PUBLIC_READER = f"{READER} The operator can allow anyone who knows the id."


def owner_or(permission: str, owner: str = "the owner of the account") -> str:
    """Return who may do what anyone but the owner needs a permission for, besides seeing it."""
    return f"{owner}, and users with the permissions `accounts.read_any` and `{permission}`."


def users_with(*permissions: str) -> str:
    """Return who may do what needs these permissions in any case."""
    named = " and ".join(f"`{permission}`" for permission in permissions)
    noun = "permission" if len(permissions) == 1 else "permissions"
    return f"users with the {noun} {named}. In the demo data, that is `admin`."


@dataclass(frozen=True)
class Operation:
    """
    Describe the operation that a view, or a method of one, carries out. A decorator.

    ``request`` and ``response`` are serializers, or schemas of OpenAPI. ``requests`` and
    ``answers`` are examples of them by title. ``also`` has examples of responses with another
    status or media type. ``errors`` are those that don't follow from the code. ``evidence`` holds
    further members of an error's example, by its code. ``tried_on`` is the id in the example of the
    path, for an operation that the usual account or transfer doesn't suit.
    """

    id: str
    tag: str
    summary: str
    who: str = field(kw_only=True)
    description: str = ""
    request: Any = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    response: Any = None
    status: int = 200
    answers: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[tuple[int, str], Mapping[str, Any]] = field(default_factory=dict)
    errors: tuple[type[ApiError], ...] = ()
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parameters: tuple[OpenApiParameter, ...] = ()
    tried_on: str = ""

    @property
    def text(self) -> str:
        """The description in Markdown."""
        return f"{self.description}\n\n**Who:** {self.who}".strip()

    def __call__(self, view: View) -> View:
        view.operation = self  # type: ignore[attr-defined]
        return view
