"""Movements carried out together have the same outcome as one after the other."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import services as account_services
from accounts.enums import MONEY_MAX
from accounts.models import Account
from transfers import clock, services
from transfers.kinds import Kind
from transfers.models import LedgerEntry, Transfer
from transfers.movements import Movement, Order, perform
from transfers.tests.ledgers import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.no_cover]

DAY = timedelta(days=1)
UNKNOWN = UUID(int=7)


@dataclass
class Scene:
    """Accounts in every state, and users with all, some and no rights."""

    accounts: dict[str, UUID]
    users: dict[str, User]

    def movement(self, number: int, kind: Kind, actor: str, wishes) -> Movement:
        orders = [self._order(number, place, kind, *wish) for place, wish in enumerate(wishes)]
        return Movement(orders, self.users[actor])

    def _order(self, number: int, place: int, kind: Kind, source, dest, amount) -> Order:
        return Order(
            kind=kind,
            source_id=None if kind is Kind.DEPOSIT else self.accounts[source],
            dest_id=None if kind is Kind.WITHDRAWAL else self.accounts[dest],
            amount=amount,
            expires_in=DAY if kind is Kind.HOLD else None,
            # The same in both runs.
            id=UUID(int=(1 << 100) + 100 * number + place),
        )


ACCOUNTS = ("alice's", "alice's other", "bob's", "euros", "frozen", "closed", "held", "full")
USERS = ("alice", "bob", "staff", "teller", "mover", "nobody")


@pytest.fixture
def scene(make_user, alice, bob, staff, funded_account) -> Scene:
    users = {
        "alice": alice,
        "bob": bob,
        "staff": staff,
        "teller": make_user("transfers.move_cash"),
        "mover": make_user("transfers.move_any", "accounts.read_any"),
        "nobody": make_user(),
    }
    with clock.at(NOW - 3 * DAY):
        opened = {
            "alice's": funded_account(alice, 60),
            "alice's other": funded_account(alice),
            "bob's": funded_account(bob, 60),
            "euros": funded_account(alice, 60, currency="EUR"),
            "frozen": funded_account(alice, 60),
            "closed": funded_account(alice),
            "held": funded_account(alice, 60),
            "full": funded_account(bob, MONEY_MAX - 10),
        }
        for amount in (20, 40):
            # They have expired. Only a movement that can't be afforded otherwise releases them.
            order = Order(source_id=opened["held"].pk, dest_id=opened["bob's"].pk, amount=amount)
            services.hold(order=order, expires_in=DAY, actor=alice)
        account_services.freeze(account_id=opened["frozen"].pk, actor=staff)
        account_services.close(account_id=opened["closed"].pk, actor=alice)
    ids = {name: account.pk for name, account in opened.items()}
    return Scene({**ids, "unknown": UNKNOWN}, users)


@contextmanager
def undone():
    """Roll back what the block has done."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def books() -> dict[str, Any]:
    """Return all rows, without the ids that are chosen at random."""
    made = Transfer.objects.values()
    transfers = [{**row, "id": None if row["kind"] == Kind.VOID else row["id"]} for row in made]
    entries = LedgerEntry.objects.exclude(transfer__kind=Kind.VOID).values()
    return {
        "accounts": {row["id"]: row for row in Account.objects.values()},
        "transfers": sorted(transfers, key=repr),
        "entries": sorted(({**row, "id": None} for row in entries), key=repr),
        "voids have entries": LedgerEntry.objects.filter(transfer__kind=Kind.VOID).exists(),
    }


FIGURES = ("pk", "balance", "held", "version", "last_posted_at", "status", "owner_id")


def seen(outcome: Any) -> Any:
    """Return all that a caller is told about an outcome."""
    if isinstance(outcome, list):
        return [
            (
                {field.attname: getattr(each, field.attname) for field in each._meta.fields},
                *[
                    tuple(getattr(account, name) for name in FIGURES)
                    for account in (each.source, each.dest)
                    if account.kind == "CUSTOMER"
                ],
            )
            for each in outcome
        ]
    draft = getattr(outcome, "draft", None)
    return (
        type(outcome),
        str(outcome),
        getattr(outcome, "evidence", None),
        getattr(outcome, "index", None),
        draft and (draft.kind, draft.source, draft.dest, draft.amount),
    )


def run(carry_out: Callable[[], list]) -> tuple[list, dict[str, Any]]:
    """Return the outcomes, and the books afterwards; both are undone."""
    with undone():
        outcomes = [seen(outcome) for outcome in carry_out()]
        return outcomes, books()


def one_by_one(movements: list[Movement]) -> list:
    return [outcome for movement in movements for outcome in perform([movement])]


# The accounts that lead to more than a refusal are more frequent.
accounts = st.sampled_from([*ACCOUNTS, *ACCOUNTS[:3], "held", "held", "unknown"])
amounts = st.sampled_from([1, 5, 11, 20, 45, 60, MONEY_MAX])
wishes = st.tuples(accounts, accounts, amounts)
actors = st.sampled_from(["alice", "alice", "staff", "staff", *USERS])
kinds = st.sampled_from([Kind.DEPOSIT, Kind.WITHDRAWAL, Kind.TRANSFER, Kind.TRANSFER, Kind.HOLD])
batches = st.one_of(st.tuples(wishes), st.tuples(wishes), st.lists(wishes, min_size=2, max_size=3))
groups = st.lists(st.tuples(kinds, actors, batches), min_size=2, max_size=8)


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    # Each example is undone.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(groups)
def test_movements_at_once_have_the_outcome_of_one_by_one_with_the_refused_skipped(scene, group):
    movements = [scene.movement(number, *each) for number, each in enumerate(group)]

    with clock.at(NOW):
        expected = run(lambda: one_by_one(movements))
        together = run(lambda: perform(movements))

    for (was, wanted), each in zip(zip(together[0], expected[0], strict=True), group, strict=True):
        assert was == wanted, each
    assert together[1] == expected[1]


def transfer(scene: Scene, number: int, amount: int, source="held", actor="alice") -> Movement:
    return scene.movement(number, Kind.TRANSFER, actor, [(source, "bob's", amount)])


def test_two_movements_that_need_the_same_release_release_the_holds_once(scene):
    with clock.at(NOW):
        outcomes = perform([transfer(scene, number, 30) for number in range(2)])

    assert [type(outcome) for outcome in outcomes] == [list, list]
    held = Account.objects.get(pk=scene.accounts["held"])
    assert (held.balance, held.held) == (0, 0)
    voids = Transfer.objects.filter(kind=Kind.VOID, source=held.pk)
    assert voids.count() == len(set(voids.values_list("hold_id", flat=True))) == 2
    assert set(voids.values_list("created_by", flat=True)) == {None}


def test_a_movement_that_is_refused_in_spite_of_the_release_releases_nothing(scene):
    with clock.at(NOW):
        refused, carried_out = perform([transfer(scene, 0, 61), transfer(scene, 1, 1, "alice's")])

    assert (refused.code, refused.evidence["available"]) == ("insufficient_funds", 60)
    assert carried_out[0].amount == 1
    held = Account.objects.get(pk=scene.accounts["held"])
    assert (held.balance, held.held) == (60, 60)
    assert not Transfer.objects.filter(kind=Kind.VOID).exists()


def test_a_refused_movement_in_the_middle_does_not_change_what_the_next_one_sees(scene):
    movements = [transfer(scene, n, amount, "alice's") for n, amount in enumerate((40, 30, 20))]

    with clock.at(NOW):
        first, refused, last = perform(movements)

    assert refused.evidence["available"] == 20
    assert [each[0].source.balance for each in (first, last)] == [20, 0]
    assert [each[0].source.version for each in (first, last)] == [2, 3]


@pytest.mark.parametrize("size", [2, 3, 64])
def test_the_number_of_statements_does_not_depend_on_the_number_of_movements(scene, size):
    movements = [transfer(scene, number, 1, "alice's") for number in range(2)]
    movements += [transfer(scene, number, 1, "full", "staff") for number in range(2, size)]

    with CaptureQueriesContext(connection) as queries:
        perform(movements)

    # The accounts for the rights, the lock, and the posting.
    assert len(queries) == (3 if connection.vendor == "postgresql" else 5)


def test_an_account_is_not_locked_for_a_caller_who_may_not_spend_from_it(scene):
    movements = [transfer(scene, 0, 1, actor="nobody"), transfer(scene, 1, 1, "alice's")]

    with CaptureQueriesContext(connection) as queries:
        refused, carried_out = perform(movements)

    assert (refused.code, len(carried_out)) == ("account_not_found", 1)
    locks = [query["sql"] for query in queries if "ORDER BY" in query["sql"]]
    assert [str(scene.accounts["held"]) in sql.replace("-", "") for sql in locks] == [False]
