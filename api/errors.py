"""The base classes of the API's errors. Each error is one class. Plain Python, without Django."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self


class ApiError(Exception):
    """
    An error that the API responds with.

    A subclass with a ``code`` is one error of the API. The table in docs/errors.md, the examples in
    the OpenAPI document and the messages in the admin are generated from it. A subclass without its
    own ``code`` is a special case of its parent, with another ``detail``.

    ``detail`` says what happened and what to do about it. ``evidence`` holds the values that led
    to the error (amounts in minor units; ids as UUIDs) and becomes members of the response.
    """

    # Stable: the meaning of a code never changes.
    code: ClassVar[str]
    # The HTTP status.
    status: ClassVar[int]
    # The same for each occurrence of the error (RFC 9457 §3.1.3). By default, the code in words.
    title: ClassVar[str]
    # What it means and what to do about it, for the table of errors. Markdown.
    meaning: ClassVar[str]
    remedy: ClassVar[str]
    # The title and text of the page that the admin shows instead of the problem document. None:
    # the title and detail of the error.
    page: ClassVar[tuple[str, str] | None] = None
    # The type and the description of each value in ``evidence``. A value that several errors have
    # is described by one of them.
    figures: ClassVar[Mapping[str, tuple[type, str]]] = MappingProxyType({})

    detail: str
    # The value of the header Retry-After, in seconds.
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
        """Return the instance that the documentation shows."""
        return cls()


class LedgerError(ApiError):
    """
    A request broke a rule of the ledger, and nothing was changed.

    ``draft`` is the transfer that was refused, and ``index`` its position in the batch. Both are
    None if they don't apply or if the caller must not see them.
    """

    status: ClassVar[int] = 409
    # The message in the admin, instead of ``detail``. A format string with the names of the
    # evidence (amounts are shown in major units) and ``account``, the account concerned.
    for_staff: ClassVar[str] = ""
    figures = {
        "pointer": (str, "The transfer of a batch that was refused, as a JSON pointer."),
        "index": (int, "Its position in the batch, from 0."),
    }
    draft: object | None = None
    index: int | None = None
