"""A refusal tells nothing of the state of an account that the caller may not see."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.enums import MONEY_MAX, AccountStatus
from accounts.exceptions import AccountClosed, AccountFrozen
from api.errors import LedgerError
from transfers.exceptions import (
    BalanceLimitExceeded,
    CurrencyMismatch,
    DestinationUnavailable,
    InsufficientFunds,
)
from transfers.kinds import Kind
from transfers.posting import Draft, post
from transfers.tests.ledgers import (
    NOW,
    OUTSIDE,
    customer,
    earlier,
    ledger,
    outside,
    position,
    refusal,
    resolving,
    reversing,
)

MINE, ALSO_MINE, THEIRS, OTHERS = OWN_AND_STRANGE = [UUID(int=number) for number in range(11, 15)]
OPEN, FROZEN, CLOSED = AccountStatus
UNAVAILABLE = (DestinationUnavailable, None, {})

STATES = {
    "frozen": {"status": FROZEN},
    "closed": {"status": CLOSED},
    "at its cap": {"balance": MONEY_MAX},
}
# The account of somebody else is the dest of what its payer asks for, and the source of what its
# payee does.
REQUESTS = {
    "a deposit": Draft(Kind.DEPOSIT, OUTSIDE, THEIRS, 50),
    "a transfer": Draft(Kind.TRANSFER, MINE, THEIRS, 50),
    "a reversal": reversing(earlier(Kind.TRANSFER, THEIRS, MINE)),
    "a capture": resolving(Kind.CAPTURE, earlier(Kind.HOLD, MINE, THEIRS)),
}


def mine(account_id=MINE, **fields):
    return customer(account_id, **{"balance": 100, "held": 50, **fields})


def theirs(account_id=THEIRS, **fields):
    return customer(account_id, visible=False, **fields)


def outcome(accounts, drafts):
    """Return all that the caller is told: what is refused, where and with which figures."""
    try:
        post(accounts, drafts, now=NOW)
    except LedgerError as refused:
        return type(refused), position(refused, drafts), refused.evidence, refused.detail
    return None


# ── One by one ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("draft", REQUESTS.values(), ids=REQUESTS.keys())
@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_every_state_of_an_account_of_somebody_else_is_one_refusal(draft, state):
    accounts = ledger(mine(), theirs(**state), outside())

    assert refusal(accounts, [draft]) == UNAVAILABLE


def test_a_payee_is_not_told_that_the_payer_is_frozen():
    accounts = ledger(theirs(balance=100, held=50, status=FROZEN), mine())
    capture = resolving(Kind.CAPTURE, earlier(Kind.HOLD, THEIRS, MINE))

    assert refusal(accounts, [capture]) == UNAVAILABLE


@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_a_lack_of_own_funds_comes_first_wherever_it_is_in_a_batch(state):
    accounts = ledger(mine(), mine(ALSO_MINE, balance=50), theirs(**state))
    drafts = [Draft(Kind.TRANSFER, MINE, THEIRS, 1), Draft(Kind.TRANSFER, ALSO_MINE, MINE, 1)]

    lacking = {"account_id": ALSO_MINE, "available": 0, "required": 1, "shortfall": 1}
    assert refusal(accounts, drafts) == (InsufficientFunds, 1, lacking)


@pytest.mark.parametrize(
    ("state", "rule"), [(FROZEN, AccountFrozen), (CLOSED, AccountClosed)], ids=["frozen", "closed"]
)
def test_the_status_of_an_own_account_comes_first(state, rule):
    accounts = ledger(mine(status=state), theirs(status=FROZEN))

    refused = refusal(accounts, [Draft(Kind.TRANSFER, MINE, THEIRS, 1)])

    assert refused == (rule, 0, {"account_id": MINE})


def test_the_cap_of_an_own_account_comes_first():
    accounts = ledger(mine(), mine(ALSO_MINE, balance=MONEY_MAX), theirs(status=FROZEN))
    drafts = [Draft(Kind.TRANSFER, MINE, THEIRS, 1), Draft(Kind.TRANSFER, MINE, ALSO_MINE, 1)]

    limit = {"account_id": ALSO_MINE, "limit": MONEY_MAX}
    assert refusal(accounts, drafts) == (BalanceLimitExceeded, 1, limit)


def test_own_funds_come_before_the_currency_of_somebody_else():
    accounts = ledger(mine(balance=50), theirs(currency="EUR"))

    refused, _, _ = refusal(accounts, [Draft(Kind.TRANSFER, MINE, THEIRS, 1)])

    assert refused is InsufficientFunds


@pytest.mark.parametrize("state", [{}, *STATES.values()], ids=["open", *STATES.keys()])
def test_a_currency_is_told_whatever_the_state_of_any_other(state):
    accounts = ledger(mine(), theirs(**state), theirs(OTHERS, currency="EUR", status=FROZEN))
    drafts = [Draft(Kind.TRANSFER, MINE, other, 1) for other in (THEIRS, OTHERS, OTHERS)]

    currencies = {"source_currency": "USD", "dest_currency": "EUR"}
    assert refusal(accounts, drafts) == (CurrencyMismatch, 1, currencies)


def test_what_may_be_spent_and_not_seen_is_refused_without_its_figures():
    accounts = ledger(theirs(balance=10), outside())

    refused = refusal(accounts, [Draft(Kind.WITHDRAWAL, THEIRS, OUTSIDE, 11)])

    assert refused == (InsufficientFunds, 0, {"account_id": THEIRS, "required": 11})


# ── Any batch ────────────────────────────────────────────────────────────────────────────────────

statuses = st.sampled_from(AccountStatus)
# Near nothing, and near the cap.
balances = st.one_of(st.integers(0, 5), st.integers(MONEY_MAX - 5, MONEY_MAX))
amounts = st.one_of(st.integers(1, 6), st.integers(MONEY_MAX - 6, MONEY_MAX))
currencies = st.sampled_from(["USD", "USD", "USD", "EUR"])
transfers = st.builds(
    Draft,
    st.just(Kind.TRANSFER),
    st.sampled_from([MINE, ALSO_MINE]),
    st.sampled_from(OWN_AND_STRANGE),
    amounts,
)
holds = st.builds(
    Draft, st.just(Kind.HOLD), st.just(MINE), st.sampled_from([THEIRS, OTHERS]), amounts
)
reversals = st.builds(
    lambda other, amount: reversing(earlier(Kind.TRANSFER, other, MINE, amount)),
    st.sampled_from([THEIRS, OTHERS]),
    amounts,
)
captures = st.builds(
    lambda other, amount: resolving(Kind.CAPTURE, earlier(Kind.HOLD, other, MINE, amount), amount),
    st.sampled_from([THEIRS, OTHERS]),
    amounts,
)
requests = st.one_of(
    st.lists(transfers, min_size=1, max_size=5),
    *(st.tuples(each) for each in (holds, reversals, captures)),
)


@st.composite
def own_accounts(draw):
    return [
        customer(account, status=draw(statuses), balance=draw(balances), currency="USD")
        for account in (MINE, ALSO_MINE)
    ]


@st.composite
def two_worlds(draw):
    """Return two states of each account of somebody else: all but id and currency may differ."""
    pairs = []
    for account in (THEIRS, OTHERS):
        state = theirs(account, currency=draw(currencies))
        pairs.append(
            [
                replace(state, status=draw(statuses), balance=draw(balances), held=draw(balances))
                for _ in range(2)
            ]
        )
    return zip(*pairs, strict=True)


@pytest.mark.no_cover
@settings(max_examples=2000, deadline=None, database=None)
@given(own_accounts(), two_worlds(), requests)
def test_two_states_of_strangers_differ_in_no_refusal_but_the_one(own, worlds, drafts):
    # What a hold reserves can be captured: the ledger sees to that.
    payers = {draft.source: draft.amount for draft in drafts if draft.kind is Kind.CAPTURE}

    told = []
    for strangers in worlds:
        states = [
            replace(state, balance=max(state.balance, payers[state.id]), held=payers[state.id])
            if state.id in payers
            else state
            for state in strangers
        ]
        told.append(outcome(ledger(*own, *states), drafts))

    unavailable = (*UNAVAILABLE, DestinationUnavailable().detail)
    assert told[0] == told[1] or set(map(repr, told)) == {repr(None), repr(unavailable)}
