"""Read what staff type into a search: ids in any notation, and words of an owner."""

import re
from dataclasses import dataclass
from functools import reduce
from operator import or_
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from accounts.enums import AccountKind
from accounts.models import Account
from accounts.names import folded
from database.windows import has_more, keys_among, values_among

# In characters. The cost of a search grows with its words, and SQLite has no time limit.
LONGEST_SEARCH = 200
# Lists show at most this many matches of a search or a filter.
MOST_FOUND = 1_000
# How many of the newest rows of a table are searched if no index finds the rows.
NEWEST = 50_000
# With how many accounts the rows of a table are compared, for all words of a search together.
MOST_OWNED = 2_000

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


def of_owner_like(words: list[str]) -> Q:
    """
    Return the filter for the accounts that each word describes.

    A word is a part of the owner's name or username, a currency, or the end of the account's id.
    """
    described = Q()
    for word in words:
        name = Q(owner_name_folded__contains=folded(word)) | Q(owner__username__icontains=word)
        described &= name | Q(currency=word.upper()) | ends_like(word)
    return described


def newest_accounts() -> QuerySet[Account]:
    """Return the accounts that a search reads, newest first."""
    return newest_of(Account.objects.order_by("-pk"))


def accounts_of(username: str) -> QuerySet[Account]:
    """Return the accounts of a user that a search reads, in the order of the index of owners."""
    owner = User.objects.filter(username=username).values_list("pk", flat=True).first() or 0
    # A range of one value instead of an equality: see `querysets.newest_of_all`.
    owned = Account.objects.filter(owner__gte=owner, owner__lte=owner).order_by("-owner_id")
    return newest_of(owned)


def find_accounts(accounts: QuerySet[Account], words: list[str], most: int) -> list[UUID]:
    """
    Return the ids of the newest of the accounts that each word describes, newest first.

    Only the newest accounts are searched by parts of a name. The accounts with exactly this name or
    username are found in an index, however old they are.
    """
    matching = accounts.filter(of_owner_like(words)).order_by("-pk")
    found = set(keys_among(newest_accounts(), matching[:most]))
    if words:
        found.update(_named(accounts, " ".join(words), most))
    return sorted(found, reverse=True)[:most]


def _named(accounts: QuerySet[Account], text: str, most: int) -> set[UUID]:
    """Return the ids of the newest of the accounts with exactly this name or username."""
    # A range of one value instead of an equality: see `querysets.newest_of_all`.
    name = {"owner_name_folded__gte": folded(text), "owner_name_folded__lte": folded(text)}
    named = accounts.filter(**name).order_by("-owner_name_folded", "-pk")
    found = set(named.values_list("pk", flat=True)[:most])
    return found.union(keys_among(accounts_of(text), accounts.order_by("-pk")[:most]))


@dataclass(frozen=True, slots=True)
class Owned:
    """
    The customers' accounts that single words of a search describe.

    ``nearest`` has all of them, those with more and with rarer words first. ``left_out`` says
    whether there may be others.
    """

    by_word: dict[str, list[UUID]]
    nearest: list[UUID]
    left_out: bool


def owned_by(words: list[str]) -> Owned:
    """
    Return the accounts that each word describes, for searches whose other words may be of a memo.

    As in ``find_accounts``, the newest accounts are searched, once for all words, and the accounts
    whose owner has the whole text as name or username are found in an index.
    """
    words = list(dict.fromkeys(words))
    if not words:
        return Owned({}, [], left_out=False)
    customers = Account.objects.customers()
    described = [of_owner_like([word]) for word in words]
    flags = [ExpressionWrapper(each, output_field=BooleanField()) for each in described]
    matching = customers.filter(reduce(or_, described)).order_by("-pk").values_list("pk", *flags)
    found = {
        UUID(str(key)): {word for word, is_like in zip(words, are_like, strict=True) if is_like}
        for key, *are_like in values_among(newest_accounts(), matching)
    }
    most = MOST_OWNED // len(words)
    found.update({key: set(words) for key in _named(customers, " ".join(words), most)})
    counts = {word: sum(word in of_key for of_key in found.values()) for word in words}
    # An account with all words comes first. Then, those of a rare word: a match has the word in its
    # memo, or is a row of one of these few accounts.
    nearest = sorted(
        found, key=lambda key: sum(1 / counts[word] for word in found[key]), reverse=True
    )
    by_word = {word: [key for key in nearest if word in found[key]][:most] for word in words}
    is_cut = any(count > most for count in counts.values())
    return Owned(by_word, nearest, left_out=is_cut or has_more(newest_accounts()))


def currencies() -> list[str]:
    """Return the currencies of the ledger, also those that were removed from the settings."""
    external = Account.objects.filter(kind=AccountKind.EXTERNAL)
    return list(external.order_by("currency").values_list("currency", flat=True))
