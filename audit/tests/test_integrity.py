"""The audit passes a ledger with every kind of transfer, and finds each kind of corruption."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from accounts import services as accounts
from accounts.enums import MONEY_MAX
from accounts.models import Account, AccountChange, external_account_id
from audit import approval_checks, event_checks
from audit import ledger as audit
from audit.ledger import check_ledger
from audit.protection import DESCRIPTIONS
from audit.report import TrialBalance
from audit.tests.account_corruptions import ACCOUNT_CORRUPTIONS
from audit.tests.entry_corruptions import ENTRY_CORRUPTIONS
from audit.tests.status_corruptions import STATUS_CORRUPTIONS
from audit.tests.tampering import delete_rows, findings_of
from audit.tests.tampering import unguarded as tampered_with
from audit.tests.transfer_corruptions import TRANSFER_CORRUPTIONS
from ledger_project.tests.savepoints import rolled_back
from transfers import clock, services
from transfers.kinds import Kind
from transfers.models import LONGEST_HOLD, LedgerEntry, Transfer
from transfers.posting import EntryType
from transfers.services import Order
from transfers.tests.rich_ledger import RichLedger, make_rich_ledger

pytestmark = pytest.mark.django_db

CORRUPTIONS = [
    *ACCOUNT_CORRUPTIONS,
    *ENTRY_CORRUPTIONS,
    *STATUS_CORRUPTIONS,
    *TRANSFER_CORRUPTIONS,
]
# SQLite can't drop the UNIQUE constraints that prevent the corruption.
ONLY_ON_POSTGRESQL = {"original_is_resolved_once"}
# PostgreSQL has column types that prevent the corruption.
ONLY_ON_SQLITE = {"id_is_a_uuid", "transfer_memo_has_its_length", "change_reason_has_its_length"}


@pytest.fixture
def book(funded_account, alice, staff) -> RichLedger:
    return make_rich_ledger(funded_account, alice, staff)


@pytest.fixture
def unguarded(book) -> Iterator[None]:
    """Drop the guards and CHECKs after the ledger is filled."""
    with tampered_with():
        yield


def test_a_ledger_with_every_kind_of_transfer_passes(book):
    report = check_ledger()

    assert [check for check in report.checks if not check.ok] == []
    assert report.ok
    kinds = Transfer.objects.values_list("kind", flat=True)
    assert set(kinds) == {kind.value for kind in Kind}


def test_the_report_has_every_currency_and_counts_every_row(book):
    report = check_ledger()

    assert report.currencies == [
        TrialBalance("EUR", 1, 1, 5_00, 5_00, customers=5_00, held=0, external=-5_00),
        TrialBalance("GBP", 0, 1, 0, 0, customers=0, held=0, external=0),
        TrialBalance("JPY", 0, 1, 0, 0, customers=0, held=0, external=0),
        TrialBalance("USD", 4, 1, 192_99, 192_99, customers=152_00, held=7_00, external=-152_00),
    ]
    assert report.accounts == Account.objects.customers().count()
    assert report.transfers == Transfer.objects.count()
    assert report.entries == LedgerEntry.objects.count()


def test_an_empty_ledger_passes():
    report = check_ledger()

    assert report.ok
    assert (report.accounts, report.transfers, report.entries) == (0, 0, 0)


@pytest.mark.no_cover  # Other tests reach each line of the audit.
def test_a_corruption_is_found_by_exactly_the_expected_checks(book, unguarded, subtests):
    for case in CORRUPTIONS:
        corrupt, expected = case.values
        with subtests.test(case.id), rolled_back():
            corrupt(book)

            assert findings_of(check_ledger()) == expected


@pytest.mark.parametrize("change", [accounts.freeze, accounts.close])
def test_an_account_change_after_the_clock_was_set_back_passes(
    alice, staff, funded_account, change
):
    account = funded_account(alice)
    with clock.at(clock.now() + timedelta(minutes=5)):
        services.deposit(account_id=account.pk, amount=5, actor=alice)
        last = services.withdraw(account_id=account.pk, amount=5, actor=alice)

    change(account_id=account.pk, actor=staff)

    assert account.changes.get().at == last.created_at
    assert check_ledger().ok


def test_metadata_at_the_limits_passes(api, book):
    members = {f"{number:02}": "" for number in range(20)}
    metadata = members | {"00": '"\\' + "é" * 2_027}

    order = {"source_account_id": book.payer.pk, "dest_account_id": book.payee.pk, "amount": 1}
    described = api.patch(f"/accounts/{book.payer.pk}", {"metadata": metadata})
    paid = api.post("/transfers", order | {"metadata": metadata})
    larger = api.patch(f"/accounts/{book.payer.pk}", {"metadata": metadata | {"01": "x"}})

    statuses = [response.status_code for response in (described, paid, larger)]
    assert statuses == [200, 201, 422]
    assert check_ledger().ok


def test_a_hold_that_lasts_exactly_the_limit_passes(book, alice):
    order = Order(source_id=book.payer.pk, dest_id=book.payee.pk, amount=1)
    longest = services.hold(order=order, expires_in=LONGEST_HOLD, actor=alice)

    assert longest.expires_at - longest.created_at == LONGEST_HOLD
    assert check_ledger().ok
    with pytest.raises(ValueError, match="at most 31 days"):
        services.hold(order=order, expires_in=LONGEST_HOLD + timedelta(microseconds=1), actor=alice)


def test_every_check_is_failed_by_some_corruption():
    # These have tests of their own, in the test_audit.py of events and of approvals.
    elsewhere = DESCRIPTIONS.keys() | event_checks.CHECKS.keys() | approval_checks.CHECKS.keys()
    names = {check.name for check in check_ledger().checks} - elsewhere

    failed = {name for corruption in CORRUPTIONS for name in corruption.values[1]}

    assert failed | ONLY_ON_POSTGRESQL | ONLY_ON_SQLITE == names
    assert failed & (ONLY_ON_POSTGRESQL | ONLY_ON_SQLITE) == set()


def test_a_finding_contains_its_subject_and_figures(book, unguarded):
    Account.objects.filter(pk=book.euros.pk).update(balance=7_00)

    examples = {check.name: check.examples for check in check_ledger().checks}

    [finding] = examples["account_balance_is_its_entries"]
    assert finding.subject == str(book.euros.pk)
    assert finding.problem == "balance 700, but its entries sum to 500"
    [finding] = examples["currency_sums_to_zero"]
    assert finding.subject == "EUR"
    assert finding.problem == "customers' balances 700, external balance -500"


def test_all_findings_are_counted_and_ten_are_shown(book, unguarded, alice, funded_account):
    for _ in range(12):
        funded_account(alice)
    Account.objects.customers().filter(last_posted_at=None, status="OPEN").update(version=1)

    report = check_ledger()

    name = "account_version_counts_its_entries"
    assert findings_of(report) == {name: 12}
    [failed] = [check for check in report.checks if check.name == name]
    assert (failed.findings, len(failed.examples)) == (12, 10)
    assert len({example.subject for example in failed.examples}) == 10


def test_every_reference_to_a_deleted_user_is_found(book, unguarded):
    user = book.payer.owner
    count = (
        Account.objects.filter(owner=user).count()
        + AccountChange.objects.filter(actor=user).count()
        + Transfer.objects.filter(created_by=user).count()
    )
    with transaction.atomic():
        delete_rows(User, pk=user.pk)
        report = check_ledger()
        # The test would fail at its end if rows referred to a missing user.
        transaction.set_rollback(True)

    assert findings_of(report) == {"named_user_exists": count}
    [found] = [check for check in report.checks if check.name == "named_user_exists"]
    assert count > len(found.examples) == 10
    [owned] = [each for each in found.examples if each.subject == str(book.payer.pk)]
    assert owned.problem == f"user {user.pk} doesn't exist: accounts_account.owner_id"


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_the_report_does_not_depend_on_the_size_of_ranges(book, unguarded, monkeypatch, chunk):
    Account.objects.customers().update(version=F("version") + 1)
    Transfer.objects.filter(kind=Kind.TRANSFER).update(expires_at=F("created_at"))
    whole = check_ledger()

    monkeypatch.setattr(audit, "CHUNK", chunk)
    monkeypatch.setattr(audit, "ACCOUNTS_AT_ONCE", chunk)
    report = check_ledger()

    assert (report.currencies, report.checks) == (whole.currencies, whole.checks)
    assert sum(findings_of(report).values()) == 5 + 6


def test_progress_counts_up_to_the_number_of_rows(book, monkeypatch):
    monkeypatch.setattr(audit, "CHUNK", 5)
    seen: list[tuple[int, int]] = []

    report = check_ledger(lambda done, total: seen.append((done, total)))

    externals = 4
    changes = AccountChange.objects.count()
    holds = Transfer.objects.filter(kind__in=["HOLD", "CAPTURE", "VOID"]).count()
    total = report.accounts + externals + changes + report.transfers + holds + 2 * report.entries
    assert {shown for _, shown in seen} == {total}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (total, total)
    assert len(seen) > 10


def test_totals_beyond_64_bits_are_exact(book, unguarded):
    times = 1025
    transfers = [
        Transfer(
            kind=Kind.DEPOSIT,
            source_id=external_account_id("JPY"),
            dest_id=external_account_id("GBP"),
            amount=MONEY_MAX,
            currency="JPY",
            created_at=book.deposit.created_at,
        )
        for _ in range(times)
    ]
    Transfer.objects.bulk_create(transfers)
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            ts=book.deposit.created_at,
            account_id=transfer.source_id,
            transfer=transfer,
            type=EntryType.DEBIT,
            amount=MONEY_MAX,
        )
        for transfer in transfers
    )

    report = check_ledger()

    [yen] = [currency for currency in report.currencies if currency.currency == "JPY"]
    assert yen.debits == times * MONEY_MAX > 2**63
    assert yen.external == -times * MONEY_MAX


@pytest.mark.django_db(transaction=True)
def test_an_audit_neither_sees_nor_blocks_concurrent_transfers(alice, funded_account, race):
    account = funded_account(alice, balance=5_00)

    def deposit_more(done: int, total: int) -> None:
        race(lambda: services.deposit(account_id=account.pk, amount=1, actor=alice))

    report = check_ledger(deposit_more)

    assert report.ok
    assert (report.transfers, report.entries) == (1, 2)
    [dollars] = [currency for currency in report.currencies if currency.currency == "USD"]
    assert dollars.customers == 5_00
    account.refresh_from_db()
    assert account.balance > 5_00


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_audit_leaves_no_transaction_open(alice, funded_account):
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_ledger(interrupt)

    account = funded_account(alice, balance=5_00)
    assert Account.objects.get(pk=account.pk).balance == 5_00
    assert check_ledger().ok
