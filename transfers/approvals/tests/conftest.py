"""A threshold, the two people, and what they ask for."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from accounts.models import Account
from conftest import LedgerClient
from transfers import services
from transfers.approvals.models import Approval
from transfers.approvals.services import ask_for_limit, ask_for_order, ask_for_reversal
from transfers.kinds import Kind
from transfers.movements import Order

THRESHOLD = 1_000


@pytest.fixture
def threshold(settings) -> int:
    settings.APPROVAL_THRESHOLD = THRESHOLD
    return THRESHOLD


@pytest.fixture
def checker(make_user) -> User:
    """A member of the group Approvers."""
    checker = make_user(username="checker", is_staff=True)
    checker.groups.add(Group.objects.get(name="Approvers"))
    return checker


@pytest.fixture
def officer(staff) -> Client:
    """A browser of the member of Operations."""
    browser = Client()
    browser.force_login(staff)
    return browser


@pytest.fixture
def second(checker) -> Client:
    """A browser of the member of Approvers."""
    browser = Client()
    browser.force_login(checker)
    return browser


@pytest.fixture
def maker_api(staff) -> LedgerClient:
    """A client of the member of Operations, who may act on every account."""
    return LedgerClient(staff)


@pytest.fixture
def checker_api(checker) -> LedgerClient:
    return LedgerClient(checker)


@pytest.fixture
def source(alice, funded_account) -> Account:
    return funded_account(alice, 10_000)


@pytest.fixture
def dest(bob, funded_account) -> Account:
    return funded_account(bob, 10_000)


@pytest.fixture
def ask(staff, source, dest) -> Callable[..., Approval]:
    """Return a function that lets the member of Operations ask for something of a kind."""

    def ask(kind: str = "TRANSFER", amount: int = THRESHOLD, actor: User = staff) -> Approval:
        if kind == "OVERDRAFT_LIMIT":
            return ask_for_limit(account_id=source.pk, actor=actor, limit=amount, reason="Salary")
        if kind == "REVERSAL":
            order = Order(source_id=dest.pk, dest_id=source.pk, amount=amount)
            paid = services.transfer(order=order, actor=dest.owner)
            return ask_for_reversal(transfer_id=paid.pk, actor=actor, memo="Paid twice")
        order = Order(
            kind=Kind(kind),
            source_id=None if kind == "DEPOSIT" else source.pk,
            dest_id=None if kind == "WITHDRAWAL" else dest.pk,
            amount=amount,
            memo="Correction",
            metadata={"ticket": "42"},
            expires_in=timedelta(hours=1) if kind == "HOLD" else None,
        )
        return ask_for_order(order=order, actor=actor)

    return ask
