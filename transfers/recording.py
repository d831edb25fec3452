"""
Run the posting engine on locked accounts, and write the result.

All transfers, of any kind and number, are computed by ``posting.post`` and written by
``Recording.write``.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from copy import copy
from datetime import datetime
from functools import partial, wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction

from accounts.enums import AccountKind, AccountStatus
from accounts.models import Account, external_account_id
from transfers import clock, metrics, posting, writing
from transfers.exceptions import (
    BalanceLimitExceeded,
    DestinationUnavailable,
    InsufficientFunds,
)
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.posting import AccountState, Draft, Entry, Original, Posting

P = ParamSpec("P")
R = TypeVar("R")

# The errors that an expired hold can cause. It reduces the available amount, and it counts towards
# the limit of the held amount, which is DestinationUnavailable if the caller may not see the
# account.
MAY_NEED_RELEASE = (InsufficientFunds, BalanceLimitExceeded, DestinationUnavailable)

Accounts = dict[UUID, Account]


def in_transaction(service: Callable[P, R]) -> Callable[P, R]:
    """
    Run a service in the caller's transaction, or in a new one if there is none.

    No savepoint is needed. Rules are checked before the first write, so the caller can catch a
    ``LedgerError`` and continue. After a database error, the caller's transaction can only be
    rolled back (see ``Recording.write``).
    """

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return service(*args, **kwargs)
        with transaction.atomic():
            return service(*args, **kwargs)

    return run


class Recording:
    """
    The postings that a transaction makes on accounts that it has locked, until they are written.

    Each call of ``post`` sees the effects of the calls before it. ``write`` writes the postings of
    all calls at once, so the number of its SQL statements doesn't depend on their number.

    :param accounts: the locked accounts by id; ``post`` updates their instances
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._states: dict[UUID, AccountState] = {}
        self._resolved: dict[UUID, datetime] = {}
        self._entries: list[tuple[UUID, UUID, Entry]] = []
        self._transfers: list[Transfer] = []

    def post(self, drafts: Sequence[Draft], actor: User | None) -> list[Transfer]:
        """
        Post drafts, all or none, and return the transfers with their accounts as they are then.

        :param actor: the user who requested the drafts; None if the ledger releases expired holds
        :raises LedgerError: if a draft breaks a rule, with that ``draft``; nothing is posted
        """
        # The time of the last lock, so that a posting is dated after it has waited for its locks.
        now = clock.reading(max(account.locked_at for account in self._accounts.values()))
        states = _states(self._parties(drafts), actor)
        resolved = _resolved(drafts) | self._resolved
        try:
            result = posting.post(states, drafts, resolved=resolved, now=now)
        except MAY_NEED_RELEASE:
            expired = releases_of_expired({draft.source for draft in drafts}, now)
            releases = [each for each in expired if _original_id(each) not in self._resolved]
            if not releases:
                raise
            result = posting.post(states, [*releases, *drafts], resolved=resolved, now=now)
        # Without the releases, which come first.
        return self._accept(result, actor, now)[-len(drafts) :]

    # Without a savepoint, an error here marks the caller's transaction for rollback.
    @transaction.atomic(savepoint=False)
    def write(self) -> None:
        """Write everything that was posted."""
        if not self._transfers:
            return
        writing.write(self._states.values(), self._entries, self._transfers)
        # A failure to count is only logged, because the money has been moved.
        transaction.on_commit(partial(metrics.count, self._transfers), robust=True)

    def _parties(self, drafts: Sequence[Draft]) -> Accounts:
        ids = {draft.source for draft in drafts} | {draft.dest for draft in drafts}
        return {id: account for id in ids if (account := self._accounts.get(id))}

    def _accept(self, result: posting.Result, actor: User | None, now: datetime) -> list[Transfer]:
        ids = clock.ids_at(now)
        for state in result.changed.values():
            for column, value in writing.ACCOUNT.values_of(state).items():
                setattr(self._accounts[state.id], column, value)
        self._states |= result.changed
        # Copies, because later postings change the accounts.
        drafts = [accepted.draft for accepted in result.postings]
        accounts = {id: copy(account) for id, account in self._parties(drafts).items()}
        transfers = []
        for accepted in result.postings:
            draft = accepted.draft
            transfer = _transfer(accepted, None if draft.by_expiry else actor, ids, now)
            transfer.cache_relations(accounts)
            transfers.append(transfer)
            self._entries += [(next(ids), transfer.pk, entry) for entry in accepted.entries]
            if draft.original is not None:
                self._resolved[draft.original.id] = now
        self._transfers += transfers
        return transfers


def record(accounts: Accounts, drafts: Sequence[Draft], actor: User | None) -> list[Transfer]:
    """
    Post drafts on locked accounts, write the result, and return the transfers.

    :param accounts: the locked accounts by id; their instances are updated
    :param actor: the user who requested the drafts; None if the ledger releases expired holds
    :raises LedgerError: if a draft breaks a rule, with that ``draft``; nothing is written
    """
    if not drafts:
        return []
    recording = Recording(accounts)
    transfers = recording.post(drafts, actor)
    recording.write()
    return transfers


def releases_of_expired(source_ids: Collection[UUID], now: datetime) -> list[Draft]:
    """
    Return drafts of the VOIDs that release the expired holds of accounts.

    :param source_ids: the accounts, which must be locked
    :param now: the time (UTC) until which the holds have expired
    """
    expired = (
        Transfer.objects.unresolved_holds()
        .filter(source__in=source_ids, expires_at__lte=now)
        .order_by("pk")
    )
    return [
        Draft(
            Kind.VOID,
            held.source_id,
            held.dest_id,
            held.amount,
            original=original_of(held),
            by_expiry=True,
        )
        for held in expired
    ]


def original_of(earlier: Transfer) -> Original:
    """Return a transfer in the form in which the engine expects an original."""
    return Original(
        earlier.pk,
        Kind(earlier.kind),
        earlier.source_id,
        earlier.dest_id,
        earlier.amount,
        earlier.expires_at,
    )


def _states(accounts: Accounts, actor: User | None) -> dict[UUID, AccountState]:
    states = {
        account.pk: AccountState(
            kind=AccountKind.CUSTOMER,
            status=AccountStatus(account.status),
            currency=account.currency,
            overdraft_limit=account.overdraft_limit,
            visible=actor is None or account.is_visible_to(actor),
            **writing.ACCOUNT.values_of(account),
        )
        for account in accounts.values()
    }
    # EXTERNAL accounts are neither locked nor read, because their rows never change.
    for currency in {account.currency for account in accounts.values()}:
        external = external_account_id(currency)
        states[external] = AccountState(
            external, AccountKind.EXTERNAL, AccountStatus.OPEN, currency
        )
    return states


def _resolved(drafts: Sequence[Draft]) -> dict[UUID, datetime]:
    """Return when originals of the drafts were resolved or reversed, by the originals' ids."""
    originals = [draft.original.id for draft in drafts if draft.original is not None]
    if not originals:
        return {}
    held = Transfer.objects.filter(hold__in=originals).values_list("hold_id", "created_at")
    moved = Transfer.objects.filter(reverses__in=originals).values_list("reverses_id", "created_at")
    return dict(held.union(moved, all=True))


def _original_id(draft: Draft) -> UUID | None:
    return draft.original.id if draft.original else None


def _transfer(
    accepted: Posting, actor: User | None, ids: Iterator[UUID], now: datetime
) -> Transfer:
    draft = accepted.draft
    original_id = _original_id(draft)
    reverses = draft.kind.rules.reverses
    return Transfer(
        id=draft.id or next(ids),
        kind=draft.kind,
        source_id=draft.source,
        dest_id=draft.dest,
        amount=draft.amount,
        currency=accepted.currency,
        memo=draft.memo,
        metadata=draft.metadata,
        expires_at=None if draft.expires_in is None else now + draft.expires_in,
        hold_id=None if reverses else original_id,
        reverses_id=original_id if reverses else None,
        held=accepted.held,
        hold_sequence=accepted.hold_sequence,
        created_by=actor,
        created_at=now,
    )
