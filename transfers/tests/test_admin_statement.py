"""The statement on an account's page in the admin."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import Account, external_account_id
from accounts.tests.admin_pages import figure, queries_of, table
from transfers import clock, services
from transfers.admin.account import entries_of
from transfers.admin.chart import newest_balances
from transfers.models import LedgerEntry
from transfers.services import Order

DASH = "\N{EN DASH}"


@pytest.fixture
def pay(alice, bob, funded_account):
    """Return a function that makes ``times`` transfers to an account and returns the account."""
    source, dest = funded_account(alice, 1_000_00), funded_account(bob, owner_name="Bob Jones")

    def pay(times: int) -> Account:
        orders = [Order(source_id=source.pk, dest_id=dest.pk, amount=1)] * times
        if orders:
            services.post_batch(orders=orders, actor=alice)
        return dest

    return pay


def external_account() -> Account:
    return Account.objects.get(pk=external_account_id("USD"))


def page(account_id) -> str:
    return reverse("admin:accounts_account_change", args=[account_id])


def numbers(response) -> list[str]:
    return [row[0] for row in table(response, "statement")]


def older(response) -> str | None:
    """Return the URL of the link to older entries, if the page has one."""
    found = re.findall(r'href="([^"#]*)#statement">Older', response.content.decode())
    return found[0] if found else None


def test_the_page_shows_figures_and_statement(reader, alice, bob, funded_account):
    source = funded_account(alice, 123_456, currency="EUR")
    dest = funded_account(bob, currency="EUR", owner_name="Bob Jones")
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=100_00, memo="Hotel")
    held = services.hold(order=order, expires_in=timedelta(days=1), actor=alice)
    services.capture(hold_id=held.pk, actor=bob, amount=40_00)
    services.hold(order=order, expires_in=timedelta(days=1), actor=alice)

    response = reader.get(page(source.pk))

    assert [figure(response, name) for name in ("balance", "held", "available")] == [
        "1,194.56 EUR",
        "100.00 EUR",
        "1,094.56 EUR",
    ]
    rows = table(response, "statement")
    assert [[row[0], *row[2:]] for row in rows] == [
        ["2", "Capture", "Bob Jones", "Hotel", "-40.00 EUR", "1,194.56 EUR"],
        ["1", "Deposit", "External EUR", "", "+1,234.56 EUR", "1,234.56 EUR"],
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", rows[0][1])


def test_a_statement_line_links_to_its_transfer_and_counterparty(reader, pay):
    dest = pay(1)
    entry = dest.entries.get()

    html = reader.get(page(dest.pk)).content.decode()

    transfer = reverse("admin:transfers_transfer_change", args=[entry.transfer_id])
    assert f'<a href="{transfer}">Transfer</a>' in html
    assert f'<a href="{page(entry.transfer.source_id)}">alice</a>' in html
    assert f'href="{reverse("admin:transfers_transfer_changelist")}?q={dest.pk}"' in html


def test_the_statement_of_an_account_without_entries_says_so(reader, pay):
    response = reader.get(page(pay(0).pk))

    assert table(response, "statement") == [["No entries yet."]]
    assert older(response) is None


def test_each_entry_is_on_exactly_one_page(reader, pay):
    path, seen = page(pay(120).pk), []

    while path:
        response = reader.get(path)
        seen.append(numbers(response))
        path = older(response)

    assert [len(each) for each in seen] == [50, 50, 20]
    assert [int(number) for each in seen for number in each] == list(range(120, 0, -1))


@pytest.mark.parametrize("count", [49, 50])
def test_no_link_to_older_entries_on_the_last_page(reader, pay, count):
    response = reader.get(page(pay(count).pk))

    assert (len(numbers(response)), older(response)) == (count, None)


@pytest.mark.parametrize("before", ["nonsense", "", "01900000-0000-7000-8000-000000000009"])
def test_an_invalid_page_shows_the_newest_entries(reader, pay, before):
    assert numbers(reader.get(page(pay(2).pk), {"before": before})) == ["2", "1"]


def test_the_statement_of_an_external_account_has_pages_without_balances(
    reader, alice, funded_account
):
    account = funded_account(alice)
    for amount in range(1, 53):
        services.deposit(account_id=account.pk, amount=amount, actor=alice)

    first = reader.get(page(external_account_id("USD")))
    second = reader.get(older(first))

    rows = [row for each in (first, second) for row in table(each, "statement")]
    assert [[row[0], *row[2:4], row[5], row[6]] for row in rows] == [
        [DASH, "Deposit", "alice", f"-0.{amount:02} USD", DASH] for amount in range(52, 0, -1)
    ]


def test_entries_with_the_same_time_are_each_shown_once(alice, funded_account):
    account = funded_account(alice)
    with clock.at(clock.now()):
        for _ in range(4):
            services.deposit(account_id=account.pk, amount=1, actor=alice)
    external = external_account()

    whole = list(entries_of(external))
    rest = [list(entries_of(external, before)) for before in whole]

    assert len({entry.ts for entry in whole}) == 1
    assert rest == [whole[number:] for number in range(1, 5)]


def test_the_number_of_queries_does_not_depend_on_the_history(reader, pay):
    def queries(path) -> int:
        return queries_of(reader, path)

    with_one = queries(page(pay(1).pk))
    dest = pay(130)
    first = reader.get(page(dest.pk))

    assert queries(page(dest.pk)) == with_one
    # A later page makes one more query, for the entry after which it begins.
    assert queries(older(first)) == with_one + 1


@pytest.mark.parametrize(
    ("kind", "index"),
    [
        ("CUSTOMER", "entry_sequence_once_per_account"),
        ("EXTERNAL", "entry_by_account_and_time"),
    ],
)
def test_a_page_is_read_in_order_from_an_index(pay, kind, index):
    account = pay(3) if kind == "CUSTOMER" else pay(0) and external_account()
    newest = entries_of(account)[0]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # PostgreSQL would scan such a small table. Disable the other plans, to see whether the
            # index can be used.
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")

    queries = [entries_of(account, before)[:51] for before in (None, newest)]
    if kind == "CUSTOMER":
        queries.append(newest_balances(account))
        lines = LedgerEntry.objects.statement_of(account.pk, account.version)
        until = newest.ts + timedelta(days=1)
        queries.append(lines.in_time(account.pk, newest.ts, until).order_by("-sequence")[:51])
    plans = [query.explain() for query in queries]

    # On SQLite, the index of a unique constraint doesn't have the constraint's name.
    used = index if connection.vendor == "postgresql" else "SEARCH transfers_ledgerentry USING"
    for plan in plans:
        assert used in plan
        # An incremental sort only orders entries with the same time.
        whole = plan.replace("Incremental Sort", "")
        ways = ("Sort  (", "TEMP B-TREE FOR ORDER BY", "Seq Scan", "SCAN transfers_ledgerentry")
        assert [way for way in ways if way in whole] == []
