"""Reversals move a transfer back, once, if its destination can afford it."""

from dataclasses import replace

import pytest

from accounts.enums import MONEY_MAX
from transfers.exceptions import (
    AlreadyReversed,
    BalanceLimitExceeded,
    InsufficientFunds,
    NotReversible,
)
from transfers.kinds import Kind
from transfers.posting import Entry, EntryType, Posting, Result, post
from transfers.tests.ledgers import (
    ALICE,
    BOB,
    NOW,
    ORIGINAL,
    OUTSIDE,
    customer,
    earlier,
    ledger,
    outside,
    refusal,
    reversing,
)

pytestmark = pytest.mark.one_database

TRANSFER = earlier(Kind.TRANSFER)


@pytest.fixture
def accounts():
    """Alice has paid 50 to Bob, whose account was empty."""
    return ledger(customer(ALICE), customer(BOB, balance=50, version=1), outside())


@pytest.mark.parametrize("kind", [Kind.TRANSFER, Kind.CAPTURE])
def test_a_reversal_moves_the_amount_back(accounts, kind):
    reversal = reversing(earlier(kind))

    result = post(accounts, [reversal], now=NOW)

    debit = Entry(BOB, EntryType.DEBIT, 50, balance=0, sequence=2, ts=NOW)
    credit = Entry(ALICE, EntryType.CREDIT, 50, balance=50, sequence=1, ts=NOW)
    alice, bob = accounts[ALICE], accounts[BOB]
    assert result == Result(
        [Posting(reversal, "USD", (debit, credit))],
        {
            ALICE: replace(alice, balance=50, version=1, last_posted_at=NOW),
            BOB: replace(bob, balance=0, version=2, last_posted_at=NOW),
        },
    )


def test_reversing_a_deposit_takes_the_cash_out(accounts):
    reversal = reversing(earlier(Kind.DEPOSIT, OUTSIDE, BOB))

    result = post(accounts, [reversal], now=NOW)

    bob = replace(accounts[BOB], balance=0, version=2, last_posted_at=NOW)
    assert result.changed == {BOB: bob}
    assert [e.balance for e in result.postings[0].entries] == [0, None]


def test_reversing_a_withdrawal_puts_the_cash_back(accounts):
    reversal = reversing(earlier(Kind.WITHDRAWAL, ALICE, OUTSIDE))

    result = post(accounts, [reversal], now=NOW)

    alice = replace(accounts[ALICE], balance=50, version=1, last_posted_at=NOW)
    assert result.changed == {ALICE: alice}
    assert [e.balance for e in result.postings[0].entries] == [None, 50]


@pytest.mark.parametrize("despite_freeze", [False, True])
def test_a_reversal_does_not_overdraw_the_destination(accounts, despite_freeze):
    accounts[BOB] = replace(accounts[BOB], held=1)

    refused = refusal(accounts, [reversing(TRANSFER, despite_freeze=despite_freeze)])

    evidence = {"account_id": BOB, "available": 49, "required": 50, "shortfall": 1}
    assert refused == (InsufficientFunds, 0, evidence)


def test_a_reversal_beyond_the_largest_balance_is_refused(accounts):
    accounts[ALICE] = replace(accounts[ALICE], balance=MONEY_MAX - 49)

    refused = refusal(accounts, [reversing(TRANSFER)])

    assert refused == (BalanceLimitExceeded, 0, {"account_id": ALICE, "limit": MONEY_MAX})


def test_a_reversed_transfer_cannot_be_reversed_again(accounts):
    refused = refusal(accounts, [reversing(TRANSFER)], resolved={ORIGINAL: NOW})

    assert refused == (AlreadyReversed, 0, {})


def test_a_transfer_cannot_be_reversed_twice_in_one_posting(accounts):
    accounts[BOB] = replace(accounts[BOB], balance=100)

    refused = refusal(accounts, [reversing(TRANSFER), reversing(TRANSFER)])

    assert refused == (AlreadyReversed, 1, {})


@pytest.mark.parametrize("kind", [Kind.HOLD, Kind.VOID, Kind.REVERSAL])
@pytest.mark.parametrize("resolved", [{}, {ORIGINAL: NOW}])
def test_a_hold_void_or_reversal_cannot_be_reversed(accounts, kind, resolved):
    refused = refusal(accounts, [reversing(earlier(kind))], resolved=resolved)

    assert refused == (NotReversible, 0, {"kind": kind})
