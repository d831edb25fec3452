"""An error: one class for each code, with everything that is said about it. Plain Python."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self


class ApiError(Exception):
    """
    An error that the API answers with.

    A subclass with a ``code`` is one error of the API. The table in docs/errors.md, the examples in
    the OpenAPI document and the words of the admin are made from it. A subclass without a
    ``code`` of its own is a special case of its parent, with another ``detail``.

    ``detail`` says what happened and what to do about it. ``evidence`` holds the figures that led
    to the error (minor units; ids as UUIDs).
    """

    # Stable: a code never changes its meaning.
    code: ClassVar[str]
    # The HTTP status.
    status: ClassVar[int]
    # The code in words, unless a class says otherwise: the same for each occurrence (RFC 9457
    # §3.1.3).
    title: ClassVar[str]
    # What it means and what to do about it, for the table of errors. Markdown.
    meaning: ClassVar[str]
    remedy: ClassVar[str]
    # The title and the advice of the page that the admin shows instead of the problem document;
    # None for its title and detail.
    page: ClassVar[tuple[str, str] | None] = None

    detail: str
    # In seconds.
    retry_after: int | None = None
    headers: Mapping[str, str] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        if "code" in vars(cls):
            cls.title = vars(cls).get("title") or cls.code.replace("_", " ").capitalize()

    def __init__(self, detail: str | None = None, /, **evidence: Any) -> None:
        if detail is not None:
            self.detail = detail
        super().__init__(self.detail)
        self.evidence = evidence

    @classmethod
    def example(cls) -> Self:
        """Return the error as the documentation shows it."""
        return cls()


class LedgerError(ApiError):
    """
    A rule of the ledger was broken, and nothing has changed.

    ``draft`` is what was refused, and ``index`` its position in a batch: None where there is none,
    or where it must not be told.
    """

    status: ClassVar[int] = 409
    # What the admin says to staff instead of ``detail``. In braces it names its evidence (amounts
    # are shown in the unit of the currency), or ``account``, the account that it is about.
    for_staff: ClassVar[str] = ""
    draft: object | None = None
    index: int | None = None
