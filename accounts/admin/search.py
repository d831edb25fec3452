"""Read what staff type into a search: ids in any notation, and words of an owner."""

import re
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Account
from accounts.names import folded

# Lists show at most this many matches of a search or a filter.
MOST_FOUND = 1_000
# How many of the newest rows of a table are searched if no index finds the rows.
NEWEST = 50_000

# `make demo` and logs shorten ids to their ends: …9b3d28.
ENDING = re.compile(r"(?:…|\.\.\.)?([0-9a-f]{6,12})", re.IGNORECASE)


def newest_of(rows: QuerySet, parts: int = 1) -> QuerySet:
    """Return the rows of an ordered queryset that a search reads, or one of several parts."""
    return rows[: NEWEST // parts]


def id_in(text: str) -> UUID | None:
    """Return the id that ``text`` is: with or without hyphens, in braces, or as ``urn:uuid:``."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def ends_like(word: str, column: str = "pk") -> Q:
    """Return the filter for ids that end with ``word``; one that matches nothing for other text."""
    ending = ENDING.fullmatch(word)
    return Q(**{f"{column}__endswith": ending[1].lower()}) if ending else Q(pk__in=[])


def accounts_like(words: list[str]) -> QuerySet[Account]:
    """
    Return the accounts that each word describes.

    A word is a part of the owner's name or username, a currency, or the end of the account's id.
    """
    accounts = Account.objects.all()
    for word in words:
        name = Q(owner_name_folded__contains=folded(word)) | Q(owner__username__icontains=word)
        accounts = accounts.filter(name | Q(currency=word.upper()) | ends_like(word))
    return accounts
