"""The work of the database for holds, after many others of the same account. Nothing is timed."""

from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import Account
from database import guards
from transfers import services
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.services import Order
from transfers.tests.filled import work_of

pytestmark = [pytest.mark.django_db, pytest.mark.no_cover]

MANY = 2_000
DAY = timedelta(days=1)


def resolve_many_holds(source: Account, dest: Account) -> None:
    """Append ``MANY`` holds of 1, each voided, to the history of ``source``."""
    source.refresh_from_db()
    holds, voids = [], []
    for number in range(source.hold_version + 1, source.hold_version + 2 * MANY, 2):
        parties = {"source": source, "dest": dest, "created_by": source.owner}
        usual = {**parties, "amount": 1, "currency": "USD", "created_at": source.created_at}
        hold = Transfer(
            **usual,
            kind=Kind.HOLD,
            expires_at=source.created_at + DAY,
            held=source.held + 1,
            hold_sequence=number,
        )
        holds.append(hold)
        voids.append(
            Transfer(**usual, kind=Kind.VOID, hold=hold, held=source.held, hold_sequence=number + 1)
        )
    # Dropped, because one by one the rows don't agree with the account.
    guards.drop(connection)
    Transfer.objects.bulk_create(holds)
    Transfer.objects.bulk_create(voids)
    Account.objects.filter(pk=source.pk).update(hold_version=source.hold_version + 2 * MANY)
    guards.install(connection)


def cost_of_each_kind(source: Account, dest: Account) -> dict[str, int]:
    """Return the work for a hold, a capture and a void of it, up to and including the commit."""
    costs = {}
    for resolve in (services.capture, services.void):
        placed = []

        def place(placed=placed) -> None:
            order = Order(source_id=source.pk, dest_id=dest.pk, amount=5)
            placed.append(services.hold(order=order, expires_in=DAY, actor=source.owner))
            run_deferred_guards()

        def resolve_it(placed=placed, resolve=resolve) -> None:
            actor = dest.owner if resolve is services.capture else source.owner
            resolve(hold_id=placed[0].pk, actor=actor)
            run_deferred_guards()

        costs[f"hold before {resolve.__name__}"] = work_of(place)
        costs[resolve.__name__] = work_of(resolve_it)
    return costs


def run_deferred_guards() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def without_sequential_scans() -> None:
    # Small tables may be read as a whole. Which ones depends on statistics.
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("ANALYZE")


def test_a_hold_costs_the_same_after_many_resolved_holds(source, dest):
    without_sequential_scans()
    # Twice, because the first statement after a change of the schema reads the schema too.
    before = [cost_of_each_kind(source, dest) for _ in range(2)][-1]
    resolve_many_holds(source, dest)
    without_sequential_scans()

    after = [cost_of_each_kind(source, dest) for _ in range(2)][-1]

    dearer = {name: (before[name], cost) for name, cost in after.items()
              if cost > before[name] + MANY / 10}  # fmt: skip
    assert dearer == {}
