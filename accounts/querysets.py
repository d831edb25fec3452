"""Questions about accounts, and their locks."""

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
from database.composed import ComposedQuery, LockingQuery, Placeholder

if TYPE_CHECKING:
    from accounts.models import Account


class AccountQuerySet(models.QuerySet["Account"]):
    """Questions about accounts."""

    def update(self, **changes: Any) -> int:
        """Update the rows; a new name is folded as well."""
        if "owner_name" in changes and "owner_name_folded" not in changes:
            changes["owner_name_folded"] = folded(changes["owner_name"])
        return super().update(**changes)

    def bulk_update(self, objs: Any, fields: Any, *args: Any, **kwargs: Any) -> int:
        """Update the rows; a new name is folded as well."""
        if "owner_name" in fields:
            for account in objs:
                account.owner_name_folded = folded(account.owner_name)
            fields = [*fields, "owner_name_folded"]
        return super().bulk_update(objs, fields, *args, **kwargs)

    def named(self, owner_name: str) -> Self:
        """Return the accounts whose owner's name is ``owner_name`` in any case."""
        return self.filter(owner_name_folded=folded(owner_name))

    def customers(self) -> Self:
        """Leave out the EXTERNAL accounts, which nobody may address."""
        return self.filter(kind=AccountKind.CUSTOMER)

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the accounts that ``user`` may see: their own, or all with ``read_any``."""
        if may(user, "accounts.read_any"):
            return self.customers()
        return self.customers().filter(owner_id=user.pk) if user.pk else self.none()

    def find(self, account_id: UUID) -> "Account | None":
        """Return the customer's account of this id, whoever may see it."""
        return next(iter(_of_id(self.model)(account_id)), None)

    def to_be_locked(self, ids: Collection[UUID | Placeholder]) -> Self:
        """Return the customers' accounts among ``ids``; reading them locks them."""
        # Always in primary-key order, so that opposing transfers cannot deadlock. NO KEY, because
        # a foreign key's check of an account (FOR KEY SHARE) need not wait for a change of balance.
        accounts = self.customers().filter(pk__in=ids).order_by("pk")
        return accounts.select_for_update(no_key=True)

    def locked(self, *ids: UUID) -> dict[UUID, "Account"]:
        """
        Lock the customers' accounts among ``ids`` for this transaction; return them by id.

        Their ``locked_at`` is when the last of the locks was granted.
        """
        wanted = set(ids)
        if self.query.where or len(wanted) not in (1, 2):
            return self._lock(lambda: LockingQuery(self.to_be_locked(wanted)))
        return self._lock(lambda: _to_be_locked(self.model, len(wanted)), *wanted)

    def locked_by_owner(
        self, owner: User, sources: Collection[UUID], dests: Collection[UUID]
    ) -> dict[UUID, "Account"]:
        """
        Lock ``sources`` and ``dests`` as ``locked`` does, if ``owner`` owns all of ``sources``.

        If not, it waits for no lock and takes none, and returns no account. One statement.
        """
        spent, others = set(sources), set(dests) - set(sources)
        if len(spent) == 1 and len(others) <= 1:
            query = partial(_to_be_locked_by_owner, self.model, len(others))
            return self._lock(query, owner.pk, *spent, *others)
        return self._lock(lambda: LockingQuery(self.to_be_locked_by_owner(owner.pk, spent, others)))

    def to_be_locked_by_owner(
        self, owner: Any, sources: Collection[Any], others: Collection[Any]
    ) -> Self:
        """Return what ``locked_by_owner`` locks."""
        # The owner is no part of WHERE, so that they are found by their keys: an owner may have
        # very many accounts. The kind is only there because Django groups by something.
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
            raise TransactionManagementError("An account is locked within a transaction.")
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
def _to_be_locked(model: "type[Account]", count: int) -> "LockingQuery[Account]":
    # For every movement but a batch.
    ids = [Placeholder() for _ in range(count)]
    return LockingQuery(model.objects.to_be_locked(ids), ids)


@cache
def _to_be_locked_by_owner(model: "type[Account]", others: int) -> "LockingQuery[Account]":
    owner, source, *more = [Placeholder() for _ in range(2 + others)]
    accounts = model.objects.to_be_locked_by_owner(owner, [source], more)
    return LockingQuery(accounts, [owner, source, *more])
