"""Keep Django's cache of content types apart by ledger."""

from typing import Any

from django.contrib.contenttypes.models import ContentType

from database.switching import current_ledger


class CacheOfLedger(dict[Any, Any]):
    """
    The cache, whose keys Django takes from the alias of the database alone.

    The ids of content types are those of a database: they depend on the order in which its tables
    were created.
    """

    def __getitem__(self, alias: str) -> Any:
        return super().__getitem__((current_ledger(), alias))

    def setdefault(self, alias: str, default: Any = None) -> Any:
        return super().setdefault((current_ledger(), alias), default)


def keep_apart() -> None:
    """Let all managers of content types use such a cache."""
    ContentType.objects._cache = CacheOfLedger()  # type: ignore[attr-defined]
