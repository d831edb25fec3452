"""Every combination of an account's status and a kind of transfer."""

from dataclasses import replace

import pytest

from accounts.enums import AccountStatus
from accounts.exceptions import AccountClosed, AccountFrozen
from transfers.kinds import Kind
from transfers.posting import Draft, post
from transfers.tests.ledgers import (
    ALICE,
    BOB,
    NOW,
    OUTSIDE,
    customer,
    earlier,
    ledger,
    outside,
    refusal,
    resolving,
    reversing,
)

pytestmark = pytest.mark.one_database

OPEN, FROZEN, CLOSED = AccountStatus
REFUSED_BY = {FROZEN: AccountFrozen, CLOSED: AccountClosed}
HOLD_OUT, HOLD_IN = earlier(Kind.HOLD), earlier(Kind.HOLD, BOB, ALICE)

# Transfers of Alice's account, whose status varies. Bob's and EXTERNAL are open.
MOVEMENTS = {
    "a deposit": Draft(Kind.DEPOSIT, OUTSIDE, ALICE, 50),
    "a withdrawal": Draft(Kind.WITHDRAWAL, ALICE, OUTSIDE, 50),
    "a transfer out": Draft(Kind.TRANSFER, ALICE, BOB, 50),
    "a transfer in": Draft(Kind.TRANSFER, BOB, ALICE, 50),
    "a hold out": Draft(Kind.HOLD, ALICE, BOB, 50),
    "a hold in": Draft(Kind.HOLD, BOB, ALICE, 50),
    "a capture out": resolving(Kind.CAPTURE, HOLD_OUT),
    "a capture in": resolving(Kind.CAPTURE, HOLD_IN),
}
VOIDS = {
    "a void out": resolving(Kind.VOID, HOLD_OUT),
    "a void in": resolving(Kind.VOID, HOLD_IN),
    "a release out": resolving(Kind.VOID, HOLD_OUT, by_expiry=True),
    "a release in": resolving(Kind.VOID, HOLD_IN, by_expiry=True),
}
REVERSED = {
    "a reversal out": earlier(Kind.TRANSFER, BOB, ALICE),
    "a reversal in": earlier(Kind.TRANSFER, ALICE, BOB),
    "a deposit's reversal": earlier(Kind.DEPOSIT, OUTSIDE, ALICE),
    "a withdrawal's reversal": earlier(Kind.WITHDRAWAL, ALICE, OUTSIDE),
    "a capture's reversal": earlier(Kind.CAPTURE, BOB, ALICE),
}


def accounts_with(status):
    figures = {"balance": 100, "held": 50}
    alice = customer(ALICE, status=status, **figures)
    return ledger(alice, customer(BOB, **figures), outside())


def by_name(cases):
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


@by_name(MOVEMENTS)
def test_an_open_account_allows_every_kind(case):
    result = post(accounts_with(OPEN), [case], now=NOW)

    assert [posting.draft for posting in result.postings] == [case]


@by_name(MOVEMENTS)
@pytest.mark.parametrize("status", [FROZEN, CLOSED])
def test_a_frozen_or_closed_account_refuses_transfers_and_holds(case, status):
    refused = refusal(accounts_with(status), [case])

    assert refused == (REFUSED_BY[status], 0, {"account_id": ALICE})


@by_name(MOVEMENTS)
def test_despite_freeze_allows_only_a_reversal(case):
    refused = refusal(accounts_with(FROZEN), [replace(case, despite_freeze=True)])

    assert refused == (AccountFrozen, 0, {"account_id": ALICE})


@by_name(VOIDS)
@pytest.mark.parametrize("status", AccountStatus)
def test_a_hold_can_be_voided_whatever_the_status(case, status):
    now = case.original.expires_at if case.by_expiry else NOW

    result = post(accounts_with(status), [case], now=now)

    assert result.changed[case.source].held == 0


@by_name(REVERSED)
@pytest.mark.parametrize("despite_freeze", [False, True])
def test_an_open_account_allows_a_reversal(case, despite_freeze):
    result = post(accounts_with(OPEN), [reversing(case, despite_freeze=despite_freeze)], now=NOW)

    assert len(result.postings[0].entries) == 2


@by_name(REVERSED)
def test_a_frozen_account_refuses_a_reversal(case):
    refused = refusal(accounts_with(FROZEN), [reversing(case)])

    assert refused == (AccountFrozen, 0, {"account_id": ALICE})


@by_name(REVERSED)
def test_a_frozen_account_allows_a_reversal_despite_freeze(case):
    result = post(accounts_with(FROZEN), [reversing(case, despite_freeze=True)], now=NOW)

    assert len(result.postings[0].entries) == 2


@by_name(REVERSED)
@pytest.mark.parametrize("despite_freeze", [False, True])
def test_a_closed_account_refuses_a_reversal(case, despite_freeze):
    refused = refusal(accounts_with(CLOSED), [reversing(case, despite_freeze=despite_freeze)])

    assert refused == (AccountClosed, 0, {"account_id": ALICE})
