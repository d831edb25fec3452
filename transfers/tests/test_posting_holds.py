"""Holds can be captured or voided once, before they expire."""

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.enums import MONEY_MAX
from transfers.exceptions import (
    BalanceLimitExceeded,
    CaptureExceedsHold,
    HoldAlreadyResolved,
    HoldExpired,
    InsufficientFunds,
    NotAHold,
)
from transfers.kinds import Kind
from transfers.posting import Draft, Entry, EntryType, Posting, Result, post
from transfers.tests.ledgers import (
    ALICE,
    BOB,
    NOW,
    ORIGINAL,
    TICK,
    customer,
    earlier,
    ledger,
    refusal,
    resolving,
)

pytestmark = pytest.mark.one_database

HOLD = earlier(Kind.HOLD)


@pytest.fixture
def accounts():
    """Alice holds 50 for Bob and has nothing left to spend."""
    alice = customer(ALICE, balance=50, held=50, version=1, hold_version=1)
    return ledger(alice, customer(BOB))


@pytest.mark.parametrize("amount", [1, 49, 50])
def test_a_capture_moves_its_amount_and_releases_the_rest(accounts, amount):
    capture = resolving(Kind.CAPTURE, HOLD, amount)

    result = post(accounts, [capture], now=NOW)

    debit = Entry(ALICE, EntryType.DEBIT, amount, balance=50 - amount, sequence=2, ts=NOW)
    credit = Entry(BOB, EntryType.CREDIT, amount, balance=amount, sequence=1, ts=NOW)
    alice, bob = accounts[ALICE], accounts[BOB]
    assert result == Result(
        [Posting(capture, "USD", (debit, credit), held=0, hold_sequence=2)],
        {
            ALICE: replace(
                alice,
                balance=50 - amount,
                held=0,
                version=2,
                hold_version=2,
                last_posted_at=NOW,
            ),
            BOB: replace(bob, balance=amount, version=1, last_posted_at=NOW),
        },
    )


def test_a_capture_beyond_its_hold_is_refused_even_if_funds_suffice(accounts):
    accounts[ALICE] = replace(accounts[ALICE], balance=100)

    refused = refusal(accounts, [resolving(Kind.CAPTURE, HOLD, 51)])

    assert refused == (CaptureExceedsHold, 0, {"held": 50, "requested": 51})


def test_a_capture_beyond_the_largest_balance_of_the_destination_is_refused(accounts):
    accounts[BOB] = replace(accounts[BOB], balance=MONEY_MAX - 49)

    refused = refusal(accounts, [resolving(Kind.CAPTURE, HOLD)])

    assert refused == (BalanceLimitExceeded, 0, {"account_id": BOB, "limit": MONEY_MAX})


def test_a_capture_leaves_other_holds_reserved(accounts):
    accounts[ALICE] = replace(accounts[ALICE], balance=70, held=70)
    spend = Draft(Kind.TRANSFER, ALICE, BOB, 31)

    refused = refusal(accounts, [resolving(Kind.CAPTURE, HOLD, 20), spend])

    evidence = {"account_id": ALICE, "available": 30, "required": 31, "shortfall": 1}
    assert refused == (InsufficientFunds, 1, evidence)


def test_a_void_releases_the_amount_and_writes_no_entries(accounts):
    void = resolving(Kind.VOID, HOLD)

    result = post(accounts, [void], now=NOW)

    assert result == Result(
        [Posting(void, "USD", (), held=0, hold_sequence=2)],
        {ALICE: replace(accounts[ALICE], held=0, hold_version=2)},
    )


def test_holds_and_their_resolutions_are_numbered_with_the_held_amount_after_each(accounts):
    accounts[ALICE] = replace(accounts[ALICE], balance=100)
    hold = Draft(Kind.HOLD, ALICE, BOB, 20)
    spend = Draft(Kind.TRANSFER, ALICE, BOB, 1)
    other_way = Draft(Kind.HOLD, BOB, ALICE, 1)

    result = post(accounts, [hold, spend, other_way, resolving(Kind.CAPTURE, HOLD, 30)], now=NOW)

    assert [(posting.held, posting.hold_sequence) for posting in result.postings] == [
        (70, 2),
        (None, None),
        (1, 1),
        (20, 3),
    ]
    assert {state.id: (state.held, state.hold_version) for state in result.changed.values()} == {
        ALICE: (20, 3),
        BOB: (1, 1),
    }


def test_a_void_does_not_need_the_state_of_the_destination(accounts):
    del accounts[BOB]

    result = post(accounts, [resolving(Kind.VOID, HOLD)], now=NOW)

    assert result.changed[ALICE].held == 0


@pytest.mark.parametrize("kind", [Kind.CAPTURE, Kind.VOID])
def test_a_hold_can_be_resolved_until_the_instant_it_expires(accounts, kind):
    last_moment = HOLD.expires_at - TICK

    result = post(accounts, [resolving(kind, HOLD)], now=last_moment)

    assert result.changed[ALICE].held == 0


@pytest.mark.parametrize("kind", [Kind.CAPTURE, Kind.VOID])
@pytest.mark.parametrize("late", [timedelta(0), TICK, timedelta(days=365)])
@pytest.mark.parametrize("released", [{}, {ORIGINAL: HOLD.expires_at}])
def test_a_hold_is_expired_from_its_expiry_on_whether_released_or_not(
    accounts, kind, late, released
):
    refused = refusal(
        accounts, [resolving(kind, HOLD)], resolved=released, now=HOLD.expires_at + late
    )

    assert refused == (HoldExpired, 0, {"expires_at": HOLD.expires_at})


def test_the_ledger_itself_releases_an_expired_hold(accounts):
    release = resolving(Kind.VOID, HOLD, by_expiry=True)

    result = post(accounts, [release], now=HOLD.expires_at)

    assert result.changed == {ALICE: replace(accounts[ALICE], held=0, hold_version=2)}


def test_a_released_amount_can_be_spent_by_the_next_draft(accounts):
    release = resolving(Kind.VOID, HOLD, by_expiry=True)
    spend = Draft(Kind.TRANSFER, ALICE, BOB, 50)

    result = post(accounts, [release, spend], now=HOLD.expires_at)

    assert [result.changed[a].balance for a in (ALICE, BOB)] == [0, 50]


@pytest.mark.parametrize("by_expiry", [False, True])
@pytest.mark.parametrize("kind", [Kind.CAPTURE, Kind.VOID])
def test_a_resolved_hold_cannot_be_resolved_again(accounts, kind, by_expiry):
    draft = resolving(kind, HOLD, by_expiry=by_expiry)

    refused = refusal(accounts, [draft], resolved={ORIGINAL: NOW})

    assert refused == (HoldAlreadyResolved, 0, {})


@pytest.mark.parametrize("kind", [Kind.CAPTURE, Kind.VOID])
def test_a_hold_resolved_before_its_expiry_never_becomes_expired(accounts, kind):
    in_time = {ORIGINAL: HOLD.expires_at - TICK}

    refused = refusal(accounts, [resolving(kind, HOLD)], resolved=in_time, now=HOLD.expires_at)

    assert refused == (HoldAlreadyResolved, 0, {})


@pytest.mark.parametrize("first", [Kind.CAPTURE, Kind.VOID])
@pytest.mark.parametrize("second", [Kind.CAPTURE, Kind.VOID])
def test_a_hold_cannot_be_resolved_twice_in_one_posting(accounts, first, second):
    accounts[ALICE] = replace(accounts[ALICE], balance=200, held=100)

    refused = refusal(accounts, [resolving(first, HOLD), resolving(second, HOLD)])

    assert refused == (HoldAlreadyResolved, 1, {})


@pytest.mark.parametrize("kind", [Kind.CAPTURE, Kind.VOID])
@pytest.mark.parametrize("other", [kind for kind in Kind if kind is not Kind.HOLD])
def test_only_a_hold_can_be_captured_or_voided(accounts, kind, other):
    refused = refusal(accounts, [resolving(kind, earlier(other))])

    assert refused == (NotAHold, 0, {"kind": other})
