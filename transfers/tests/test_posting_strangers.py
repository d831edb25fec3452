"""Errors don't disclose the state of an account that the caller may not see."""

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

pytestmark = pytest.mark.one_database

MINE, ALSO_MINE, THEIRS, OTHERS = OWN_AND_STRANGE = [UUID(int=number) for number in range(11, 15)]
OPEN, FROZEN, CLOSED = AccountStatus
UNAVAILABLE = (DestinationUnavailable, None, {})

STATES = {
    "frozen": {"status": FROZEN},
    "closed": {"status": CLOSED},
    "at its cap": {"balance": MONEY_MAX},
}
# The hidden account is the destination if the caller is the payer, and the source if the caller is
# the payee.
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
    """Return everything that an error discloses: its class, position and figures."""
    try:
        post(accounts, drafts, now=NOW)
    except LedgerError as refused:
        return type(refused), position(refused, drafts), refused.evidence, refused.detail
    return None


# ── Single rules ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("draft", REQUESTS.values(), ids=REQUESTS.keys())
@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_every_state_of_a_hidden_account_raises_the_same_error(draft, state):
    accounts = ledger(mine(), theirs(**state), outside())

    assert refusal(accounts, [draft]) == UNAVAILABLE


def test_an_error_does_not_disclose_that_the_payer_is_frozen():
    accounts = ledger(theirs(balance=100, held=50, status=FROZEN), mine())
    capture = resolving(Kind.CAPTURE, earlier(Kind.HOLD, THEIRS, MINE))

    assert refusal(accounts, [capture]) == UNAVAILABLE


@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_insufficient_own_funds_take_precedence_anywhere_in_a_batch(state):
    accounts = ledger(mine(), mine(ALSO_MINE, balance=50), theirs(**state))
    drafts = [Draft(Kind.TRANSFER, MINE, THEIRS, 1), Draft(Kind.TRANSFER, ALSO_MINE, MINE, 1)]

    lacking = {"account_id": ALSO_MINE, "available": 0, "required": 1, "shortfall": 1}
    assert refusal(accounts, drafts) == (InsufficientFunds, 1, lacking)


@pytest.mark.parametrize(
    ("state", "rule"), [(FROZEN, AccountFrozen), (CLOSED, AccountClosed)], ids=["frozen", "closed"]
)
def test_the_status_of_an_own_account_takes_precedence(state, rule):
    accounts = ledger(mine(status=state), theirs(status=FROZEN))

    refused = refusal(accounts, [Draft(Kind.TRANSFER, MINE, THEIRS, 1)])

    assert refused == (rule, 0, {"account_id": MINE})


def test_the_largest_balance_of_an_own_account_takes_precedence():
    accounts = ledger(mine(), mine(ALSO_MINE, balance=MONEY_MAX), theirs(status=FROZEN))
    drafts = [Draft(Kind.TRANSFER, MINE, THEIRS, 1), Draft(Kind.TRANSFER, MINE, ALSO_MINE, 1)]

    limit = {"account_id": ALSO_MINE, "limit": MONEY_MAX}
    assert refusal(accounts, drafts) == (BalanceLimitExceeded, 1, limit)


def test_own_funds_take_precedence_over_the_currency_of_a_hidden_account():
    accounts = ledger(mine(balance=50), theirs(currency="EUR"))

    refused, _, _ = refusal(accounts, [Draft(Kind.TRANSFER, MINE, THEIRS, 1)])

    assert refused is InsufficientFunds


@pytest.mark.parametrize("state", [{}, *STATES.values()], ids=["open", *STATES.keys()])
def test_a_currency_mismatch_takes_precedence_over_the_state_of_hidden_accounts(state):
    accounts = ledger(mine(), theirs(**state), theirs(OTHERS, currency="EUR", status=FROZEN))
    drafts = [Draft(Kind.TRANSFER, MINE, other, 1) for other in (THEIRS, OTHERS, OTHERS)]

    currencies = {"source_currency": "USD", "dest_currency": "EUR"}
    assert refusal(accounts, drafts) == (CurrencyMismatch, 1, currencies)


def test_insufficient_funds_of_a_hidden_source_are_raised_without_figures():
    accounts = ledger(theirs(balance=10), outside())

    refused = refusal(accounts, [Draft(Kind.WITHDRAWAL, THEIRS, OUTSIDE, 11)])

    assert refused == (InsufficientFunds, 0, {"account_id": THEIRS, "required": 11})


# ── Any batch ────────────────────────────────────────────────────────────────────────────────────

statuses = st.sampled_from(AccountStatus)
# Close to 0 and close to the largest balance.
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
    """Return two states of each hidden account, in which all but id and currency may differ."""
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
def test_the_state_of_hidden_accounts_changes_no_error_but_destination_unavailable(
    own, worlds, drafts
):
    # The balance always covers the held amount, as in the ledger.
    payers = {draft.source: draft.amount for draft in drafts if draft.kind is Kind.CAPTURE}

    disclosed = []
    for strangers in worlds:
        states = [
            replace(state, balance=max(state.balance, payers[state.id]), held=payers[state.id])
            if state.id in payers
            else state
            for state in strangers
        ]
        disclosed.append(outcome(ledger(*own, *states), drafts))

    unavailable = (*UNAVAILABLE, DestinationUnavailable().detail)
    assert disclosed[0] == disclosed[1] or set(map(repr, disclosed)) == {
        repr(None),
        repr(unavailable),
    }
