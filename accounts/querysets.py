"""Queries for accounts, and locks on them."""

from collections.abc import Callable, Collection
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.transaction import TransactionManagementError

from accounts.enums import AccountKind
from accounts.names import folded
from accounts.rights import may
from database.composed import ComposedQuery, LockingQuery, Placeholder, padded

if TYPE_CHECKING:
    from accounts.models import Account


class AccountQuerySet(models.QuerySet["Account"]):
    """Queries for accounts."""

    def update(self, **changes: Any) -> int:
        """Update the rows, and the folded name with the name."""
        if "owner_name" in changes and "owner_name_folded" not in changes:
            changes["owner_name_folded"] = folded(changes["owner_name"])
        return super().update(**changes)

    def bulk_update(self, objs: Any, fields: Any, *args: Any, **kwargs: Any) -> int:
        """Update the rows, and the folded name with the name."""
        if "owner_name" in fields:
            for account in objs:
                account.owner_name_folded = folded(account.owner_name)
            fields = [*fields, "owner_name_folded"]
        return super().bulk_update(objs, fields, *args, **kwargs)

    def named(self, owner_name: str) -> Self:
        """Return the accounts with this owner name, ignoring case."""
        return self.filter(owner_name_folded=folded(owner_name))

    def customers(self) -> Self:
        """Exclude EXTERNAL accounts, which no caller may see or name."""
        return self.filter(kind=AccountKind.CUSTOMER)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the customer accounts that ``user`` owns, or all with ``accounts.read_any``."""
        if may(user, "accounts.read_any"):
            return self.customers()
        return self.customers().filter(owner_id=user.pk) if user.pk else self.none()

    def find(self, account_id: UUID) -> "Account | None":
        """Return the customer account with this id or None, without checking who may see it."""
        return next(iter(_of_id(self.model)(account_id)), None)

    def to_be_locked(self, ids: Collection[UUID | Placeholder]) -> Self:
        """Return the customer accounts with these ids. Evaluating the queryset locks them."""
        # Accounts are always locked in primary-key order, so that opposing transfers can't
        # deadlock. NO KEY lets the checks of foreign keys to an account go on without waiting.
        accounts = self.customers().filter(pk__in=ids).order_by("pk")
        return accounts.select_for_update(no_key=True)

    def by_id(self, *ids: UUID) -> dict[UUID, "Account"]:
        """Return the customer accounts with these ids, by id, without locking them."""
        wanted = padded(ids)
        return {account.pk: account for account in _of_ids(self.model, len(wanted))(*wanted)}

    def locked(self, *ids: UUID) -> dict[UUID, "Account"]:
        """
        Lock the customer accounts with these ids until the transaction ends, and return them by id.

        Sets their ``locked_at`` to the time (UTC) at which the last of the locks was acquired.

        :raises TransactionManagementError: outside of a transaction
        """
        if self.query.where or not ids:
            return self._lock(lambda: LockingQuery(self.to_be_locked(set(ids))))
        wanted = padded(ids)
        return self._lock(lambda: _to_be_locked(self.model, len(wanted)), *wanted)

    def locked_by_owner(
        self, owner: User, sources: Collection[UUID], dests: Collection[UUID]
    ) -> dict[UUID, "Account"]:
        """
        Lock ``sources`` and ``dests`` like ``locked``, if ``owner`` owns all of ``sources``.

        Otherwise, return no accounts, without waiting for a lock or acquiring one. Either way,
        this is one statement.
        """
        spent, others = set(sources), set(dests) - set(sources)
        if len(spent) == 1 and len(others) <= 1:
            query = partial(_to_be_locked_by_owner, self.model, len(others))
            return self._lock(query, owner.pk, *spent, *others)
        return self._lock(lambda: LockingQuery(self.to_be_locked_by_owner(owner.pk, spent, others)))

    def to_be_locked_by_owner(
        self, owner: Any, sources: Collection[Any], others: Collection[Any]
    ) -> Self:
        """Return the queryset whose accounts ``locked_by_owner`` locks."""
        # The owner isn't part of WHERE, so that the accounts are found by primary key and not by
        # owner, who may have very many accounts. Django needs a column to group by, hence the kind.
        spent = self.model.objects.customers().filter(pk__in=sources).order_by().values("kind")
        count = spent.annotate(count=models.Count("pk", filter=models.Q(owner_id=owner)))
        accounts = self.to_be_locked([*sources, *others])
        return accounts.alias(owned=models.Subquery(count.values("count"))).filter(
            owned=len(sources)
        )

    def _lock(
        self, query: "Callable[[], LockingQuery[Account]]", *values: Any
    ) -> dict[UUID, "Account"]:
        if not connections[self.db].in_atomic_block:
            raise TransactionManagementError("Accounts can be locked only in a transaction.")
        try:
            accounts, locked_at = query().lock(*values)
        except EmptyResultSet:
            return {}
        for account in accounts:
            account.locked_at = locked_at
        return {account.pk: account for account in accounts}


@cache
def _of_id(model: "type[Account]") -> "ComposedQuery[Account]":
    account_id = Placeholder()
    return ComposedQuery(model.objects.customers().filter(pk=account_id), [account_id])


@cache
def _of_ids(model: "type[Account]", count: int) -> "ComposedQuery[Account]":
    ids: list[Any] = [Placeholder() for _ in range(count)]
    return ComposedQuery(model.objects.customers().filter(pk__in=ids), ids)


@cache
def _to_be_locked(model: "type[Account]", count: int) -> "LockingQuery[Account]":
    ids = [Placeholder() for _ in range(count)]
    return LockingQuery(model.objects.to_be_locked(ids), ids)


@cache
def _to_be_locked_by_owner(model: "type[Account]", others: int) -> "LockingQuery[Account]":
    owner, source, *more = [Placeholder() for _ in range(2 + others)]
    accounts = model.objects.to_be_locked_by_owner(owner, [source], more)
    return LockingQuery(accounts, [owner, source, *more])
