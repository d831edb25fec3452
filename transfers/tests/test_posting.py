"""The effects of transfers, and the rules that refuse them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.enums import MONEY_MAX
from transfers.exceptions import (
    BalanceLimitExceeded,
    CurrencyMismatch,
    InsufficientFunds,
    SameAccount,
)
from transfers.kinds import Kind
from transfers.posting import Draft, Entry, EntryType, Posting, Result, post
from transfers.tests.ledgers import ALICE, BOB, NOW, OUTSIDE, customer, ledger, outside, refusal

pytestmark = pytest.mark.one_database

DEBIT, CREDIT = EntryType.DEBIT, EntryType.CREDIT


def transfer(amount, source=ALICE, dest=BOB):
    return Draft(Kind.TRANSFER, source, dest, amount)


def test_a_transfer_debits_its_source_and_credits_its_destination():
    alice = customer(ALICE, balance=100, version=7)
    bob = customer(BOB, balance=5, version=2)

    result = post(ledger(alice, bob), [transfer(30)], now=NOW)

    debit = Entry(ALICE, DEBIT, 30, balance=70, sequence=8, ts=NOW)
    credit = Entry(BOB, CREDIT, 30, balance=35, sequence=3, ts=NOW)
    assert result == Result(
        [Posting(transfer(30), "USD", (debit, credit))],
        {
            ALICE: replace(alice, balance=70, version=8, last_posted_at=NOW),
            BOB: replace(bob, balance=35, version=3, last_posted_at=NOW),
        },
    )


def test_a_deposit_debits_the_external_account_without_a_balance():
    alice = customer(ALICE)
    deposit = Draft(Kind.DEPOSIT, OUTSIDE, ALICE, 30)

    result = post(ledger(alice, outside()), [deposit], now=NOW)

    debit = Entry(OUTSIDE, DEBIT, 30, balance=None, sequence=None, ts=NOW)
    credit = Entry(ALICE, CREDIT, 30, balance=30, sequence=1, ts=NOW)
    assert result == Result(
        [Posting(deposit, "USD", (debit, credit))],
        {ALICE: replace(alice, balance=30, version=1, last_posted_at=NOW)},
    )


def test_a_withdrawal_credits_the_external_account_without_a_balance():
    alice = customer(ALICE, balance=30)
    withdrawal = Draft(Kind.WITHDRAWAL, ALICE, OUTSIDE, 30)

    result = post(ledger(alice, outside()), [withdrawal], now=NOW)

    debit = Entry(ALICE, DEBIT, 30, balance=0, sequence=1, ts=NOW)
    credit = Entry(OUTSIDE, CREDIT, 30, balance=None, sequence=None, ts=NOW)
    assert result == Result(
        [Posting(withdrawal, "USD", (debit, credit))],
        {ALICE: replace(alice, balance=0, version=1, last_posted_at=NOW)},
    )


def test_a_hold_reserves_its_amount_and_writes_no_entries():
    alice, bob = customer(ALICE, balance=100, held=10), customer(BOB)
    hold = Draft(Kind.HOLD, ALICE, BOB, 30)

    result = post(ledger(alice, bob), [hold], now=NOW)

    assert result == Result(
        [Posting(hold, "USD", (), held=40, hold_sequence=1)],
        {ALICE: replace(alice, held=40, hold_version=1)},
    )


def test_posting_no_drafts_changes_nothing():
    assert post(ledger(customer()), [], now=NOW) == Result([], {})


@pytest.mark.parametrize("kind", [Kind.TRANSFER, Kind.HOLD])
@pytest.mark.parametrize(
    ("figures", "available"),
    [
        ({"balance": 100}, 100),
        ({"balance": 100, "held": 40}, 60),
        ({"balance": 100, "overdraft_limit": 50}, 150),
        ({"balance": -20, "held": 10, "overdraft_limit": 50}, 20),
    ],
)
def test_no_more_than_the_available_amount_can_be_spent(kind, figures, available):
    accounts = ledger(customer(ALICE, **figures), customer(BOB))

    result = post(accounts, [Draft(kind, ALICE, BOB, available)], now=NOW)
    refused = refusal(accounts, [Draft(kind, ALICE, BOB, available + 1)])

    assert accounts[ALICE].available == available
    assert result.changed[ALICE].available == 0
    evidence = {
        "account_id": ALICE,
        "available": available,
        "required": available + 1,
        "shortfall": 1,
    }
    assert refused == (InsufficientFunds, 0, evidence)


def test_a_withdrawal_beyond_the_available_amount_is_refused():
    accounts = ledger(customer(ALICE, balance=9), outside())

    refused = refusal(accounts, [Draft(Kind.WITHDRAWAL, ALICE, OUTSIDE, 10)])

    evidence = {"account_id": ALICE, "available": 9, "required": 10, "shortfall": 1}
    assert refused == (InsufficientFunds, 0, evidence)


@pytest.mark.parametrize("kind", [Kind.TRANSFER, Kind.HOLD])
def test_an_account_cannot_pay_itself(kind):
    refused = refusal(ledger(customer(ALICE, balance=10)), [Draft(kind, ALICE, ALICE, 10)])

    assert refused == (SameAccount, 0, {})


@pytest.mark.parametrize("kind", [Kind.TRANSFER, Kind.HOLD])
def test_a_transfer_between_two_currencies_is_refused(kind):
    accounts = ledger(customer(ALICE, balance=10), customer(BOB, currency="EUR"))

    refused = refusal(accounts, [Draft(kind, ALICE, BOB, 10)])

    evidence = {"source_currency": "USD", "dest_currency": "EUR"}
    assert refused == (CurrencyMismatch, 0, evidence)


def test_a_balance_can_reach_but_not_exceed_the_largest_amount():
    accounts = ledger(customer(ALICE, balance=2), customer(BOB, balance=MONEY_MAX - 1))

    result = post(accounts, [transfer(1)], now=NOW)
    refused = refusal(accounts, [transfer(2)])

    assert result.changed[BOB].balance == MONEY_MAX == 2**53 - 1
    assert refused == (BalanceLimitExceeded, 0, {"account_id": BOB, "limit": MONEY_MAX})


def test_a_negative_balance_can_reach_but_not_exceed_the_largest_amount():
    owing = customer(ALICE, balance=1 - MONEY_MAX, overdraft_limit=MONEY_MAX)
    accounts = ledger(owing, customer(BOB))
    # The database accepts no limit large enough for this. The engine's bound is tested on its own.
    without_limit = ledger(replace(owing, overdraft_limit=MONEY_MAX + 1), customer(BOB))

    result = post(accounts, [transfer(1)], now=NOW)
    refused = refusal(without_limit, [transfer(2)])

    assert result.changed[ALICE].balance == -MONEY_MAX
    assert refused == (BalanceLimitExceeded, 0, {"account_id": ALICE, "limit": MONEY_MAX})


def test_the_held_amount_can_reach_but_not_exceed_the_largest_amount():
    alice = customer(ALICE, balance=2, held=MONEY_MAX - 1, overdraft_limit=MONEY_MAX)
    accounts = ledger(alice, customer(BOB))

    result = post(accounts, [Draft(Kind.HOLD, ALICE, BOB, 1)], now=NOW)
    refused = refusal(accounts, [Draft(Kind.HOLD, ALICE, BOB, 2)])

    assert result.changed[ALICE].held == MONEY_MAX
    assert refused == (BalanceLimitExceeded, 0, {"account_id": ALICE, "limit": MONEY_MAX})


def test_the_times_of_an_accounts_entries_never_decrease():
    ahead = NOW + timedelta(seconds=3)
    alice = customer(ALICE, balance=10, last_posted_at=ahead)
    bob = customer(BOB, last_posted_at=NOW - timedelta(seconds=3))

    result = post(ledger(alice, bob), [transfer(10)], now=NOW)

    assert [entry.ts for entry in result.postings[0].entries] == [ahead, NOW]
    assert result.changed[ALICE].last_posted_at == ahead
    assert result.changed[BOB].last_posted_at == NOW


def test_a_later_draft_sees_the_effect_of_the_earlier_ones():
    accounts = ledger(customer(ALICE, balance=10), customer(BOB))
    there_and_back = [transfer(10), transfer(4, BOB, ALICE), transfer(4)]

    result = post(accounts, there_and_back, now=NOW)

    entries = [entry for posting in result.postings for entry in posting.entries]
    assert [(e.account_id, e.sequence, e.balance) for e in entries] == [
        (ALICE, 1, 0),
        (BOB, 1, 10),
        (BOB, 2, 6),
        (ALICE, 2, 4),
        (ALICE, 3, 0),
        (BOB, 3, 10),
    ]
    assert [result.changed[a].balance for a in (ALICE, BOB)] == [0, 10]


def test_a_draft_does_not_see_the_effect_of_the_later_ones():
    accounts = ledger(customer(ALICE, balance=10), customer(BOB))

    refused = refusal(accounts, [transfer(4, BOB, ALICE), transfer(10)])

    evidence = {"account_id": BOB, "available": 0, "required": 4, "shortfall": 4}
    assert refused == (InsufficientFunds, 0, evidence)


def test_an_error_names_the_draft_and_leaves_the_accounts_unchanged():
    accounts = ledger(customer(ALICE, balance=10), customer(BOB))
    given = dict(accounts)

    refused = refusal(accounts, [transfer(6), transfer(4), transfer(1), transfer(1)])

    evidence = {"account_id": ALICE, "available": 0, "required": 1, "shortfall": 1}
    assert refused == (InsufficientFunds, 2, evidence)
    assert accounts == given
