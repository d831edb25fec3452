"""
A decorator that describes an operation of the API at its view.

It holds only what the OpenAPI document can't derive from the code: texts, examples and the errors
that only this operation has. ``ledger_project.openapi`` derives the rest: the idempotency key,
paging, filters and the errors that all such routes have.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter

from api.errors import ApiError
from api.scopes import ONLY_PEOPLE

View = TypeVar("View", bound=Callable[..., Any])

# Values of ``who`` that several operations share.
ANYONE = "anyone, without a token."
LOGGED_IN = "anyone who is logged in."
READER = "the owner of the account, and users with the permission `accounts.read_any`."
PUBLIC_READER = f"{READER} The operator can allow anyone who knows the id."


def owner_or(permission: str, owner: str = "the owner of the account") -> str:
    """Return ``who`` for an operation of the owner, or of others with this permission."""
    return f"{owner}, and users with the permissions `accounts.read_any` and `{permission}`."


def users_with(*permissions: str) -> str:
    """Return ``who`` for an operation for which everyone needs these permissions."""
    named = " and ".join(f"`{permission}`" for permission in permissions)
    noun = "permission" if len(permissions) == 1 else "permissions"
    return f"users with the {noun} {named}. In the demo data, that is `admin`."


@dataclass(frozen=True)
class Operation:
    """
    Describe the operation of a view, or of a method of a view. Used as a decorator.

    ``who`` says who may call it. ``request`` and ``response`` are serializers or OpenAPI schemas;
    ``requests`` and ``answers`` are their examples, by title. ``also`` has examples of responses
    with another status or media type, and ``shapes`` the serializers of those with another status,
    if they aren't ``response``. ``errors`` are those that can't be derived from the code.
    ``evidence`` holds additional members of an error's example, by the error's code. ``tried_on``
    is the id in the example of the path, if the usual account or transfer doesn't fit.

    ``scope`` is the scope that a service key needs, or ``ONLY_PEOPLE``. Every operation that
    requires a token declares it; no service key may call one that doesn't.
    """

    id: str
    tag: str
    summary: str
    who: str = field(kw_only=True)
    scope: str | None = field(kw_only=True, default=None)
    description: str = ""
    request: Any = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    response: Any = None
    status: int = 200
    answers: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[tuple[int, str], Mapping[str, Any]] = field(default_factory=dict)
    shapes: Mapping[int, Any] = field(default_factory=dict)
    errors: tuple[type[ApiError], ...] = ()
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parameters: tuple[OpenApiParameter, ...] = ()
    tried_on: str = ""

    @property
    def text(self) -> str:
        """The description in Markdown."""
        return f"{self.description}\n\n**Who:** {self.who}{self._scope_text}".strip()

    @property
    def _scope_text(self) -> str:
        if self.scope is None:
            return ""
        if self.scope == ONLY_PEOPLE:
            return " Service keys can't do this."
        return f" **Scope of a service key:** `{self.scope}`."

    def __call__(self, view: View) -> View:
        view.operation = self  # type: ignore[attr-defined]
        return view


def handler_of(view: Any, method: str) -> Any | None:
    """
    Return what handles ``method`` on a route, or None if the route doesn't have this method.

    Its ``Operation``, if it has one, is its attribute ``operation``.

    :param view: the view function of the route, with the attributes that ``as_view`` puts on it
    """
    cls = getattr(view, "cls", None)
    if cls is None:
        return view
    name = "get" if method.lower() == "head" else method.lower()
    if hasattr(view, "actions"):
        name = view.actions.get(name, "")
    elif name not in cls.http_method_names:
        return None
    return getattr(cls, name, None)
