"""
Find transfers by what people know of them: ids, amount, date, currency, memo, or an owner.

No search reads the whole table. Transfers of an account are read from the index of the account, and
all other searches read the newest transfers, or the newest before the end of a given day.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_
from typing import Any, Self
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.admin.search import MOST_FOUND, currencies, ends_like, find_accounts, id_in, newest_of
from accounts.enums import MONEY_MAX
from accounts.models import Account
from accounts.money import minor_units
from database.windows import has_more, keys_among
from transfers.clock import ids_at
from transfers.models import Transfer

# Of how many accounts with a matching owner the transfers are searched.
MOST_ACCOUNTS = 20

AMOUNT = re.compile(r"(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", re.ASCII)
# A day, a minute or a second in UTC, as the pages show it.
MOMENT = re.compile(
    r"(?<!\S)(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?:(:\d\d)(?:\.\d+)?)?(?: ?(?:UTC|Z))?)?(?!\S)",
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
    def read(cls, text: str) -> Self:
        """Take a search text apart."""
        since = until = None
        if moment := MOMENT.search(text):
            since, until = _range_of(*moment.groups())
            if since:
                text = text[: moment.start()] + text[moment.end() :]
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
    """The ids of the newest matches, and whether older transfers were left out of the search."""

    ids: list[UUID]
    left_out: bool


def find(
    transfers: QuerySet[Transfer], text: str, newest: QuerySet[Transfer] | None = None
) -> Found:
    """
    Return the newest of the transfers that the search text describes.

    :param transfers: a queryset with filters, which apply as well
    :param newest: where to search without a text: a queryset with a limit, in the order of an index
    """
    query, known = Query.read(text), currencies()
    transfers = query.narrow(transfers)
    if query.ids:
        named = transfers.filter(_of_words(query.words, known))
        others = [_read(named, window) for window in _of_accounts(query.ids, query)]
        return _found([_with_ids(named, query.ids), *others], left_out=False)
    if text or newest is None:
        newest = newest_of(query.near(Transfer.objects.order_by("-pk")))
    found = [_read(transfers.filter(_of_words(query.words, known)), newest)]
    names = [word for word in query.words if not _is_figure(word, known)]
    if names:
        figures = [word for word in query.words if _is_figure(word, known)]
        theirs = transfers.filter(_of_words(figures, known))
        found += [_read(theirs, window) for window in _of_accounts(_of_owners(names), query)]
    return _found(found, left_out=has_more(newest))


def _of_owners(names: list[str]) -> list[UUID]:
    """Return the ids of the newest accounts whose owners have these names."""
    return find_accounts(Account.objects.customers(), names, MOST_ACCOUNTS)


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


def _found(parts: list[list[UUID]], left_out: bool) -> Found:
    ids = sorted({key for part in parts for key in part}, reverse=True)
    return Found(ids[:MOST_FOUND], left_out)


def _is_figure(word: str, known: list[str]) -> bool:
    return AMOUNT.fullmatch(word) is not None or word.upper() in known


def _of_words(words: list[str], known: list[str]) -> Q:
    """Return the filter for transfers that every word describes."""
    return reduce(and_, (_of_word(word, known) for word in words), Q())


def _of_word(word: str, known: list[str]) -> Q:
    """Return the filter for a part of a memo, the end of an id, an amount, or a currency."""
    found = Q(memo__icontains=word) | ends_like(word)
    if word.upper() in known:
        found |= Q(currency=word.upper())
    if AMOUNT.fullmatch(word):
        for currency in known:
            found |= _of_amount(word.replace(",", ""), currency)
    return found


def _of_amount(figure: str, currency: str) -> Q:
    try:
        amount = minor_units(figure, currency)
    except ValueError:  # More decimals than the currency has.
        amount = 0
    return Q(amount=amount, currency=currency) if 0 < amount <= MONEY_MAX else Q(pk__in=[])


def _range_of(day: str, minute: str | None, second: str | None) -> tuple[Any, Any]:
    """Return the first instant of a day, minute or second, and the first after it."""
    length = timedelta(days=1)
    if minute:
        length = timedelta(seconds=1) if second else timedelta(minutes=1)
    try:
        written = datetime.fromisoformat(f"{day}T{minute or '00:00'}{second or ':00'}")
    except ValueError:  # A day that doesn't exist.
        return None, None
    since = written.replace(tzinfo=UTC)
    # The ids of transfers can't express other years.
    return (since, since + length) if 1971 <= since.year <= 9998 else (None, None)
