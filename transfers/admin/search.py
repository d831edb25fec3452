"""
Find transfers by what people know of them: ids, amount, date, currency, memo, or an owner.

Each word may be of the memo or of the owner of either account.

No search reads the whole table. Transfers of an account are read from the index of the account, and
all other searches read the newest transfers, or the newest before the end of a given day.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_
from typing import Self
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.admin.search import (
    MOST_FOUND,
    Owned,
    currencies,
    ends_like,
    id_in,
    newest_of,
    owned_by,
)
from database.windows import has_more, keys_among
from transfers.admin.figures import is_figure, of_figure
from transfers.clock import ids_at
from transfers.models import Transfer

# Of how many accounts with a matching owner the transfers are searched.
MOST_ACCOUNTS = 20

# A month, a day, a minute or a second in UTC, as the pages show it.
MOMENT = re.compile(
    r"(?<!\S)(\d{4}-\d\d)"
    r"(?:(-\d\d)(?:[T ](\d\d:\d\d)(?:(:\d\d)(?:\.\d+)?)?(?: ?(?:UTC|Z))?)?)?(?!\S)",
    re.ASCII,
)
# An application may choose the ids of its transfers by its own clock (see `audit.scan`).
APART = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Query:
    """A search text in parts: ids, other words, and a range in time (UTC)."""

    ids: list[UUID]
    words: list[str]
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def readings(cls, text: str) -> Iterator[Self]:
        """Yield what a search text may mean: two queries if a month may also be part of a memo."""
        moment = MOMENT.search(text)
        since, until = _range_of(*moment.groups()) if moment else (None, None)
        if moment is None or since is None:
            yield cls.of(text)
            return
        yield cls.of(text[: moment.start()] + text[moment.end() :], since, until)
        if moment[2] is None:
            yield cls.of(text)

    @classmethod
    def of(cls, text: str, since: datetime | None = None, until: datetime | None = None) -> Self:
        """Return the query for words and ids, in a range in time."""
        words = text.split()
        ids = [found for word in words if (found := id_in(word))]
        return cls(ids, [word for word in words if not id_in(word)], since, until)

    def narrow(self, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
        """Return those of the transfers that are in the range in time."""
        if self.since and self.until:
            return transfers.filter(created_at__gte=self.since, created_at__lt=self.until)
        return transfers

    def near(self, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
        """Return those of the transfers whose ids may belong to the range in time."""
        if self.since and self.until:
            first, last = next(ids_at(self.since - APART)), next(ids_at(self.until + APART))
            return transfers.filter(pk__gte=first, pk__lt=last)
        return transfers


@dataclass(frozen=True, slots=True)
class Found:
    """
    The ids of the newest matches.

    ``left_out`` says whether older transfers were left out of the search, and ``owners_left_out``
    whether words weren't compared with the owners of all accounts.
    """

    ids: list[UUID]
    left_out: bool
    owners_left_out: bool


def find(
    transfers: QuerySet[Transfer], text: str, newest: QuerySet[Transfer] | None = None
) -> Found:
    """
    Return the newest of the transfers that the search text describes.

    :param transfers: a queryset with filters, which apply as well
    :param newest: where to search without a text: a queryset with a limit, in the order of an index
    """
    known = currencies()
    found = [_find(transfers, query, known, newest) for query in Query.readings(text)]
    return _found(
        [each.ids for each in found],
        left_out=any(each.left_out for each in found),
        owners_left_out=any(each.owners_left_out for each in found),
    )


def _find(
    transfers: QuerySet[Transfer],
    query: Query,
    known: list[str],
    newest: QuerySet[Transfer] | None,
) -> Found:
    owned = owned_by([word for word in query.words if not is_figure(word, known)])
    described = query.narrow(transfers).filter(_of_words(query.words, known, owned))
    if query.ids:
        others = [_read(described, window) for window in _of_accounts(query.ids, query)]
        named = _with_ids(described, query.ids)
        return _found([named, *others], left_out=False, owners_left_out=owned.left_out)
    if query != Query.of("") or newest is None:
        newest = newest_of(query.near(Transfer.objects.order_by("-pk")))
    windows = [newest, *_of_accounts(owned.nearest[:MOST_ACCOUNTS], query)]
    found = [_read(described, window) for window in windows]
    return _found(found, left_out=has_more(newest), owners_left_out=owned.left_out)


def _of_accounts(ids: list[UUID], query: Query) -> Iterator[QuerySet[Transfer]]:
    """Yield the newest transfers from and to each account."""
    for account_id in ids:
        for side in ("source", "dest"):
            # A range of one value instead of an equality: see `querysets.newest_of_all`.
            of_account = {f"{side}__gte": account_id, f"{side}__lte": account_id}
            own = query.near(Transfer.objects.filter(**of_account))
            yield newest_of(own.order_by(f"-{side}", "-pk"), parts=len(ids))


def _with_ids(transfers: QuerySet[Transfer], ids: list[UUID]) -> list[UUID]:
    """Return the ids of the transfers that have one of the ids, or resolve or reverse its owner."""
    of_id = Q(pk__in=ids) | Q(hold__in=ids) | Q(reverses__in=ids)
    # In no order, so that the three indexes are used.
    return list(transfers.filter(of_id).order_by().values_list("pk", flat=True))


def _read(transfers: QuerySet[Transfer], window: QuerySet[Transfer]) -> list[UUID]:
    return keys_among(window, transfers.order_by("-pk")[:MOST_FOUND])


def _found(parts: list[list[UUID]], *, left_out: bool, owners_left_out: bool) -> Found:
    ids = sorted({key for part in parts for key in part}, reverse=True)
    return Found(ids[:MOST_FOUND], left_out, owners_left_out)


def _of_words(words: list[str], known: list[str], owned: Owned) -> Q:
    """Return the filter for transfers that every word describes."""
    return reduce(and_, (_of_word(word, known, owned) for word in words), Q())


def _of_word(word: str, known: list[str], owned: Owned) -> Q:
    """Return the filter for a part of a memo or an owner, the end of an id, or a figure."""
    # A list of ids, because a join might read all accounts.
    accounts = owned.by_word.get(word, [])
    of_owner = Q(source__in=accounts) | Q(dest__in=accounts)
    return Q(memo__icontains=word) | of_owner | ends_like(word) | of_figure(word, known)


def _range_of(
    month: str, day: str | None, minute: str | None, second: str | None
) -> tuple[datetime, datetime] | tuple[None, None]:
    """Return the first instant of a month, day, minute or second, and the first after it."""
    try:
        written = datetime.fromisoformat(
            f"{month}{day or '-01'}T{minute or '00:00'}{second or ':00'}"
        )
    except ValueError:  # A day that doesn't exist.
        return None, None
    since = written.replace(tzinfo=UTC)
    # The ids of transfers can't express other years.
    if not 1971 <= since.year <= 9998:
        return None, None
    if day is None:
        return since, (since + timedelta(days=31)).replace(day=1)
    if minute is None:
        return since, since + timedelta(days=1)
    return since, since + (timedelta(seconds=1) if second else timedelta(minutes=1))
