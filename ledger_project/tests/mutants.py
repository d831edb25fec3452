"""
Faulty versions of functions, each of which a particular test must detect.

This is the only place where tests replace the project's own code.
"""

import hashlib
import inspect
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Account, AccountQuerySet
from api.deferred import DeferredResponse
from ledger_project.idempotency import middleware, single
from ledger_project.idempotency.middleware import IdempotencyMiddleware
from ledger_project.idempotency.models import IdempotencyKey, IdempotencyKeyQuerySet
from ledger_project.idempotency.single import Claim
from transfers import posting

# The pause between the two commits of a middleware that stores the response too late, so that a
# random kill happens between them.
PAUSE_SECONDS = 0.05

key_of = middleware._key_of
enter = posting._enter
insert = IdempotencyKeyQuerySet.insert


def failure_of(request: pytest.FixtureRequest, test: Callable, **parameters: Any) -> Exception:
    """Run a test with its fixtures, check that it fails, and return the exception."""
    names = [name for name in inspect.signature(test).parameters if name not in parameters]
    fixtures = {name: request.getfixturevalue(name) for name in names}
    with pytest.raises((AssertionError, DatabaseError)) as failure:
        test(**fixtures, **parameters)
    return failure.value


def lock_accounts_by(monkeypatch: pytest.MonkeyPatch, locked: Callable[..., Any]) -> None:
    """Replace every way in which accounts are locked, whoever owns them."""

    def locked_by_owner(accounts: AccountQuerySet, _owner: Any, sources: Any, dests: Any) -> Any:
        return locked(accounts, *sources, *dests)

    monkeypatch.setattr(AccountQuerySet, "locked", locked)
    monkeypatch.setattr(AccountQuerySet, "locked_by_owner", locked_by_owner)


def locked_without_a_lock(accounts: AccountQuerySet, *ids: UUID) -> dict[UUID, Account]:
    return _by_id(accounts.customers().filter(pk__in=ids))


def locked_in_any_order(accounts: AccountQuerySet, *ids: UUID) -> dict[UUID, Account]:
    found = accounts.customers().filter(pk__in=ids).order_by("?")
    return _by_id(found.select_for_update(no_key=True))


def _by_id(accounts: AccountQuerySet) -> dict[UUID, Account]:
    locked = list(accounts)
    for account in locked:
        account.locked_at = timezone.now()
    return {account.pk: account for account in locked}


def key_scoped_by_token(request: HttpRequest) -> str:
    token = request.headers["Authorization"]
    return key_of(request) + hashlib.sha256(token.encode()).hexdigest()


def same_fingerprint_for_all(*_request: object) -> str:
    return "0" * 64


def enter_with_the_sign_flipped(account, side, draft, now, refusals):
    other = posting.EntryType.DEBIT if side is posting.EntryType.CREDIT else side.CREDIT
    return enter(account, other, draft, now, refusals)


def answer_stored_after_the_commit(
    request: HttpRequest, user: User, claim: Claim, run_view: Callable
) -> HttpResponse:
    """Commit the transfer, and then the key and the response in a second transaction."""
    if IdempotencyKey.objects.filter(user=user, key=claim["key"]).exists():
        return single._replay(user, claim)
    with transaction.atomic(durable=True):
        response = run_view()
        if isinstance(response, DeferredResponse):
            [result] = response.service([(response.work, user)])
            response = single.complete(request, response, result, user)
        else:
            response.render()
        if response.status_code >= 400:
            transaction.set_rollback(True)
    time.sleep(PAUSE_SECONDS)
    if response.status_code < 300 or response.status_code in single.REMEMBERED_REFUSALS:
        with transaction.atomic(durable=True):
            record_id = single._claim(user, claim)
            if record_id is None:
                return single._replay(user, claim)
            single._remember(user, record_id, response)
    return response


def keys_inserted_after_the_commit(keys: IdempotencyKeyQuerySet, rows: list) -> None:
    """Insert the keys of a group in a transaction of their own, after that of the group."""

    def insert_later() -> None:
        time.sleep(PAUSE_SECONDS)
        insert(keys, rows)

    transaction.on_commit(insert_later)


class AnswerStoredAfterTheCommit(IdempotencyMiddleware):
    """The same for a live server with ``mutant_settings``."""

    def __init__(self, get_response) -> None:
        super().__init__(get_response)
        single._run_once = answer_stored_after_the_commit
        IdempotencyKeyQuerySet.insert = keys_inserted_after_the_commit
