"""The models and QuerySets of transfers and entries."""

from datetime import timedelta

import pytest
from django.db.models import ProtectedError, Q

from accounts.models import Account, external_account_id
from transfers import clock, services
from transfers.kinds import Kind
from transfers.models import LedgerEntry, Transfer
from transfers.querysets import TransferStatus
from transfers.services import Order
from transfers.tests.ledgers import NOW, TICK

DAY = timedelta(days=1)


@pytest.fixture
def mine(alice, funded_account):
    with clock.at(NOW - DAY):
        return funded_account(alice, 1_000)


@pytest.fixture
def theirs(bob, funded_account):
    return funded_account(bob)


@pytest.fixture
def story(alice, bob, staff, mine, theirs):
    """Transfers in every status, by name. The holds expire after a day."""
    order = Order(source_id=mine.pk, dest_id=theirs.pk, amount=10)
    with clock.at(NOW):
        holds = {
            name: services.hold(order=order, expires_in=DAY, actor=alice)
            for name in ("captured", "voided", "voided late", "left alone")
        }
        paid, undone = (services.transfer(order=order, actor=alice) for _ in range(2))
        reversal = services.reverse(transfer_id=undone.pk, actor=bob)
        capture = services.capture(hold_id=holds["captured"].pk, actor=bob)
        void = services.void(hold_id=holds["voided"].pk, actor=bob)
    with clock.at(NOW + DAY - TICK):
        services.void(hold_id=holds["voided late"].pk, actor=alice)
    others = {"paid": paid, "undone": undone, "reversal": reversal}
    return {**holds, **others, "capture": capture, "void": void}


def statuses_at(story, instant):
    """Return each transfer's status, and assert that the filter and the model agree on it."""
    found = {transfer.pk: name for name, transfer in story.items()}
    with clock.at(instant):
        by_filter = {
            found[transfer.pk]: status
            for status in TransferStatus
            for transfer in Transfer.objects.in_status(status)
            if transfer.pk in found
        }
        by_object = {
            found[transfer.pk]: transfer.status
            for transfer in Transfer.objects.with_resolution().filter(pk__in=found)
        }
    assert by_filter == by_object
    return by_object


LASTING = {
    "captured": "CAPTURED",
    "voided": "VOIDED",
    "voided late": "VOIDED",
    "paid": "POSTED",
    "undone": "REVERSED",
    "reversal": "POSTED",
    "capture": "POSTED",
    "void": "POSTED",
}


def test_a_hold_is_pending_until_the_instant_it_expires(story):
    statuses = statuses_at(story, NOW + DAY - TICK)

    assert statuses == {**LASTING, "left alone": "PENDING"}


@pytest.mark.parametrize("late", [timedelta(0), TICK, DAY])
def test_a_hold_is_expired_from_its_expiry_on(story, late):
    statuses = statuses_at(story, NOW + DAY + late)

    assert statuses == {**LASTING, "left alone": "EXPIRED"}


def test_an_expired_hold_stays_expired_after_its_release(story, mine):
    with clock.at(NOW + DAY):
        services.release_expired_holds(source_id=mine.pk)

    statuses = statuses_at(story, NOW + DAY)

    assert statuses == {**LASTING, "left alone": "EXPIRED"}


def test_every_transfer_has_exactly_one_status(story):
    with clock.at(NOW + DAY):
        ids = [
            transfer.pk
            for status in TransferStatus
            for transfer in Transfer.objects.in_status(status)
        ]

    assert sorted(ids) == sorted(Transfer.objects.values_list("pk", flat=True))


def test_unresolved_holds_have_neither_a_capture_nor_a_void(story):
    assert list(Transfer.objects.unresolved_holds()) == [story["left alone"]]


def test_a_user_sees_the_transfers_from_and_to_their_accounts(
    alice, bob, staff, story, funded_account, make_user
):
    carol = make_user()
    funded_account(carol, 5)

    seen = [Transfer.objects.visible_to(user).count() for user in (alice, bob, carol, staff)]

    # Both see the 11 transfers between Alice and Bob, and each sees their own deposit.
    assert seen == [11, 10, 1, 12]


@pytest.fixture
def crossing(alice, bob, mine, theirs, funded_account):
    """Transfers in all directions between two accounts of Alice and one of Bob."""
    savings = funded_account(alice, 1_000)
    ways = [(mine, savings), (savings, mine), (mine, theirs), (theirs, savings), (savings, theirs)]
    for source, dest in ways * 2:
        actor = bob if source == theirs else alice
        order = Order(source_id=source.pk, dest_id=dest.pk, amount=1)
        services.transfer(order=order, actor=actor)
    return {"mine": mine, "savings": savings, "theirs": theirs}


@pytest.mark.parametrize("names", [["mine"], ["savings", "theirs"], ["mine", "savings", "theirs"]])
@pytest.mark.parametrize("count", [1, 3, 50])
def test_the_newest_transfers_of_some_accounts_match_a_plain_query(crossing, names, count):
    accounts = Account.objects.filter(pk__in=[crossing[name].pk for name in names])
    touched = Q(source__in=accounts) | Q(dest__in=accounts)
    among_all = list(Transfer.objects.filter(touched).order_by("-pk"))

    pages, before = [], None
    while page := list(Transfer.objects.newest_of_accounts(accounts, before, count)):
        pages.append(page)
        before = page[-1].pk

    assert [transfer for page in pages for transfer in page] == among_all
    assert {len(page) for page in pages[:-1]} <= {count}


def test_no_accounts_have_no_newest_transfers(crossing):
    assert list(Transfer.objects.newest_of_accounts(Account.objects.none(), None, 50)) == []


@pytest.mark.parametrize("kind", Kind)
def test_of_kind_returns_exactly_the_transfers_of_the_kind(story, kind):
    every = Transfer.objects.all()

    assert set(every.of_kind(kind)) == {each for each in every if each.kind == kind}


def test_a_past_balance_is_read_from_the_entries(mine, story):
    entries = LedgerEntry.objects

    assert entries.balance_before(mine.pk, NOW - DAY) == 0
    assert entries.balance_before(mine.pk, NOW - DAY + TICK) == 1_000
    assert entries.balance_before(mine.pk, NOW) == 1_000
    assert entries.balance_before(mine.pk, NOW + TICK) == 980
    assert entries.as_of(mine.pk, NOW - DAY - TICK) == (0, 0)
    assert entries.as_of(mine.pk, NOW - DAY) == (1_000, 1)
    assert entries.as_of(mine.pk, NOW - TICK) == (1_000, 1)
    # The last of several entries at the same instant counts.
    assert entries.as_of(mine.pk, NOW) == (980, 5)


def test_a_statement_has_the_entries_of_one_account_with_their_memos(alice, mine, theirs, story):
    order = Order(source_id=mine.pk, dest_id=theirs.pk, amount=7, memo="Bread")
    services.transfer(order=order, actor=alice)

    lines = LedgerEntry.objects.statement_of(theirs.pk, up_to=5).order_by("sequence")

    assert [line.sequence for line in lines] == [1, 2, 3, 4, 5]
    assert lines[4].ref == "Bread"
    assert len(LedgerEntry.objects.statement_of(theirs.pk, up_to=4)) == 4


@pytest.mark.parametrize(("up_to", "count"), [(5, 10), (5, 2), (3, 1), (3, 3), (0, 5)])
def test_newest_lines_returns_the_end_of_the_statement(theirs, story, up_to, count):
    statement = LedgerEntry.objects.statement_of(theirs.pk, up_to).order_by("-sequence")

    assert LedgerEntry.objects.newest_lines(theirs.pk, up_to, count) == list(statement[:count])


def test_accounts_and_users_with_history_cannot_be_deleted(alice, mine, story):
    for kept in (alice, mine, Account.objects.get(pk=external_account_id("USD"))):
        with pytest.raises(ProtectedError):
            kept.delete()

    assert Account.objects.filter(owner=alice).count() == 1


def test_a_new_transfer_is_serialized_without_queries(
    alice, source, dest, django_assert_num_queries
):
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=1)
    posted = services.transfer(order=order, actor=alice)

    with django_assert_num_queries(0):
        sequels = [getattr(posted, name, None) for name in ("resolution", "reversal")]
        shown = (posted.status, posted.source, posted.dest, sequels)

    assert shown == (TransferStatus.POSTED, source, dest, [None, None])
