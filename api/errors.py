"""What every refusal of the ledger has in common. Plain Python."""

from typing import Any, ClassVar


class LedgerError(Exception):
    """
    A rule of the ledger was broken, and nothing has changed.

    ``code`` is the stable name of the rule, ``status`` the HTTP status of the refusal, and
    ``detail`` says what to do. ``evidence`` holds the figures that led to the refusal (minor units;
    ids as UUIDs). ``draft`` is what was refused, and ``index`` its position in a batch: None
    where there is none, or where it must not be told.
    """

    code: ClassVar[str]
    status: ClassVar[int] = 409
    draft: object | None = None
    index: int | None = None

    def __init__(self, detail: str, /, **evidence: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.evidence = evidence
