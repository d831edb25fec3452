"""The engine compared with a naive ledger, over thousands of random histories."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.enums import MONEY_MAX, AccountKind, AccountStatus
from api.errors import LedgerError
from transfers.kinds import Kind
from transfers.posting import AccountState, Draft, Entry, EntryType, Original, Result, post
from transfers.tests.ledgers import NOW, position
from transfers.tests.naive_ledger import Happened, NaiveLedger

pytestmark = pytest.mark.one_database

CUSTOMERS = [UUID(int=number) for number in (1, 2, 3, 4, 5)]
OUTSIDE = {"USD": UUID(int=8), "EUR": UUID(int=9)}
CURRENCIES = dict(zip(CUSTOMERS, ("USD", "USD", "USD", "EUR", "EUR"), strict=True)) | {
    account: currency for currency, account in OUTSIDE.items()
}


@dataclass
class Histories:
    """Runs the same history on the engine and on the naive ledger."""

    now: datetime = NOW
    states: dict[UUID, AccountState] = field(
        default_factory=lambda: {
            account: AccountState(
                account,
                AccountKind.CUSTOMER if account in CUSTOMERS else AccountKind.EXTERNAL,
                AccountStatus.OPEN,
                currency,
            )
            for account, currency in CURRENCIES.items()
        }
    )
    naive: NaiveLedger = field(
        default_factory=lambda: NaiveLedger(
            CURRENCIES, dict.fromkeys(CUSTOMERS, AccountStatus.OPEN), dict.fromkeys(CUSTOMERS, 0)
        )
    )
    entries: dict[UUID, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    # What is held after each HOLD, CAPTURE and VOID of a source.
    held: dict[UUID, list[int]] = field(default_factory=lambda: defaultdict(list))

    def drafts(self, wishes) -> list[Draft]:
        """Make drafts from Hypothesis' choices, skipping those without an original."""
        return [draft for wish in wishes if (draft := self._draft(*wish)) is not None]

    def post(self, drafts: list[Draft]) -> None:
        """Post the drafts on both, and compare the results and the states."""
        past, refused = self._expected(drafts)
        resolved = self.naive.done_at()
        given = dict(self.states), list(drafts), dict(resolved)

        result, refusal = self._answer(drafts, resolved)

        assert refusal == refused
        # The arguments are never modified, whether the posting is accepted or refused.
        assert (self.states, drafts, resolved) == given
        if result is not None:
            assert [posting.draft for posting in result.postings] == drafts
            self._take_in(result)
            self.naive.past = past

    def set_status(self, account: UUID, status: AccountStatus) -> None:
        used = self.naive.balance(account) or self.naive.held(account)
        closed = self.naive.statuses[account] is AccountStatus.CLOSED
        if not closed and not (status is AccountStatus.CLOSED and used):
            self.naive.statuses[account] = status
            self.states[account] = replace(self.states[account], status=status)

    def set_limit(self, account: UUID, limit: int) -> None:
        if self.naive.balance(account) - self.naive.held(account) + limit >= 0:
            self.naive.limits[account] = limit
            self.states[account] = replace(self.states[account], overdraft_limit=limit)

    def let_pass(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def _draft(self, kind, account, amount, pick, mark) -> Draft | None:
        # One in sixteen is unrestricted: it may go to the same account or another currency.
        others = [a for a in CUSTOMERS if CURRENCIES[a] == CURRENCIES[account] and a != account]
        other = CUSTOMERS[pick % 5] if pick % 16 == 0 else others[pick % len(others)]
        outside = OUTSIDE[CURRENCIES[other]]
        match kind:
            case Kind.TRANSFER | Kind.HOLD:
                return Draft(kind, account, other, amount)
            case Kind.DEPOSIT:
                return Draft(kind, outside, account, amount)
            case Kind.WITHDRAWAL:
                return Draft(kind, account, outside, amount)
            case _:
                return self._sequel(kind, amount, pick, mark)

    def _sequel(self, kind, amount, pick, mark) -> Draft | None:
        originals = self._originals(kind, pick)
        if not originals:
            return None
        happened = originals[pick % len(originals)]
        done = happened.draft
        original = Original(
            happened.id, done.kind, done.source, done.dest, done.amount, happened.expires_at
        )
        if kind is Kind.REVERSAL:
            return Draft(kind, done.dest, done.source, done.amount, original, despite_freeze=mark)
        expired = happened.expires_at is not None and happened.expires_at <= self.now
        by_expiry = kind is Kind.VOID and expired and mark
        asked = amount if kind is Kind.CAPTURE and mark else done.amount
        return Draft(kind, done.source, done.dest, asked, original, by_expiry=by_expiry)

    def _originals(self, kind: Kind, pick: int) -> list[Happened]:
        # One in sixteen is picked from all transfers, even if it can't be an original.
        if pick % 16 == 0:
            return self.naive.past
        return self.naive.moves() if kind is Kind.REVERSAL else self.naive.holds()

    def _answer(self, drafts, resolved) -> tuple[Result | None, tuple[str, int | None] | None]:
        try:
            return post(self.states, drafts, resolved=resolved, now=self.now), None
        except LedgerError as refusal:
            return None, (refusal.code, position(refusal, drafts))

    def _expected(self, drafts: list[Draft]) -> tuple[list[Happened], tuple[str, int] | None]:
        """Return the accepted drafts, and the expected error with its index, if any."""
        trial = replace(self.naive, past=list(self.naive.past))
        for index, draft in enumerate(drafts):
            broken = trial.rule_broken(draft, self.now)
            if broken is not None:
                return self.naive.past, (broken, index)
            expires_at = self.now + timedelta(seconds=60) if draft.kind is Kind.HOLD else None
            transfer_id = UUID(int=100 + len(trial.past))
            trial.past.append(Happened(transfer_id, draft, self.now, expires_at))
        return trial.past, None

    def _take_in(self, result) -> None:
        """Add the entries of a posting to the accounts' statements and change the accounts."""
        for posting in result.postings:
            draft = posting.draft
            sides = [(entry.account_id, entry.type, entry.amount) for entry in posting.entries]
            legs = [
                (draft.source, EntryType.DEBIT, draft.amount),
                (draft.dest, EntryType.CREDIT, draft.amount),
            ]
            assert sides == (legs if draft.kind not in ("HOLD", "VOID") else [])
            assert posting.currency == CURRENCIES[draft.source]
            if draft.kind in ("HOLD", "CAPTURE", "VOID"):
                self._take_in_held(posting)
            else:
                assert (posting.held, posting.hold_sequence) == (None, None)
            for entry in posting.entries:
                earlier = self.states[entry.account_id].last_posted_at or self.now
                assert entry.ts == max(self.now, earlier)
                self.entries[entry.account_id].append(entry)
        self.states |= result.changed

    def _take_in_held(self, posting) -> None:
        draft, chain = posting.draft, self.held[posting.draft.source]
        change = draft.amount if draft.kind is Kind.HOLD else -draft.original.amount
        chain.append((chain[-1] if chain else 0) + change)
        assert (posting.held, posting.hold_sequence) == (chain[-1], len(chain))

    def compare(self) -> None:
        """Assert every invariant of the engine's books by recomputing each figure."""
        totals: Counter[tuple[str, EntryType]] = Counter()
        for account, state in self.states.items():
            entries = self.entries[account]
            for entry in entries:
                totals[CURRENCIES[account], entry.type] += entry.amount
            if account not in CUSTOMERS:
                assert {(entry.balance, entry.sequence) for entry in entries} <= {(None, None)}
                assert (state.balance, state.held, state.version, state.hold_version) == (0,) * 4
                continue
            assert state.balance == self.naive.balance(account)
            assert state.held == self.naive.held(account) == (self.held[account] or [0])[-1]
            assert state.hold_version == len(self.held[account])
            assert state.available == self.naive.available(account) >= 0
            assert abs(state.balance) <= MONEY_MAX >= state.held >= 0
            assert [entry.sequence for entry in entries] == list(range(1, state.version + 1))
            balance = 0
            for entry in entries:
                balance += entry.amount if entry.type is EntryType.CREDIT else -entry.amount
                assert entry.balance == balance
            assert state.balance == balance
        for currency in OUTSIDE:
            assert totals[currency, EntryType.DEBIT] == totals[currency, EntryType.CREDIT]


# One amount in thirty is too large for any account but an empty one.
amounts = st.sampled_from([*range(1, 30), MONEY_MAX - 20])
accounts = st.sampled_from(CUSTOMERS)
kinds = st.sampled_from([Kind.HOLD, Kind.CAPTURE, Kind.CAPTURE, Kind.VOID, *Kind])
wishes = st.tuples(kinds, accounts, amounts, st.sampled_from(range(1, 97)), st.booleans())
single, several = st.tuples(wishes), st.lists(wishes, min_size=2, max_size=4)
posts = st.tuples(st.just("post"), st.one_of(single, single, several))
# Mostly open, because otherwise everything would be refused.
statuses = st.sampled_from([AccountStatus.OPEN, AccountStatus.OPEN, *AccountStatus])
events = st.one_of(
    st.tuples(st.just("status"), accounts, statuses),
    st.tuples(st.just("limit"), accounts, st.sampled_from([0, 30, MONEY_MAX])),
    # Also backwards, because servers' clocks may differ.
    st.tuples(st.just("clock"), st.sampled_from([-2, 1, 20, 60])),
)
histories = st.lists(st.one_of(posts, posts, posts, events), min_size=8, max_size=30)


@pytest.mark.no_cover  # Counting lines would take it three times as long, and find none.
@settings(max_examples=2000, deadline=None, database=None)
@given(histories)
def test_the_engine_agrees_with_the_naive_ledger_on_any_history(history):
    books = Histories()
    books.post([Draft(Kind.DEPOSIT, OUTSIDE[CURRENCIES[a]], a, 60) for a in CUSTOMERS])

    for action, *arguments in history:
        match action:
            case "post":
                books.post(books.drafts(*arguments))
            case "status":
                books.set_status(*arguments)
            case "limit":
                books.set_limit(*arguments)
            case "clock":
                books.let_pass(*arguments)
        books.compare()
