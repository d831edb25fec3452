"""Searching for transfers, entries and events in the admin."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from accounts.admin import pages, search
from accounts.tests.admin_pages import messages_of
from transfers import clock, services
from transfers.admin import search as transfer_search
from transfers.kinds import Kind
from transfers.services import Order
from transfers.tests.filled import fill, open_accounts, work_of

TRANSFERS = reverse("admin:transfers_transfer_changelist")
ENTRIES = reverse("admin:transfers_ledgerentry_changelist")
EVENTS = reverse("admin:events_event_changelist")

LONG_AGO = datetime(2026, 3, 29, 23, 59, 58, tzinfo=UTC)


@pytest.fixture
def officer(client, staff):
    client.force_login(staff)
    return client


@pytest.fixture
def book(alice, bob, funded_account):
    """Return transfers by name, of two owners with accounts in dollars and yen."""
    rich = funded_account(alice, 1_000_000, owner_name="Ada Lovelace")
    other = funded_account(bob, owner_name="Ben O'Neil")
    yen = [funded_account(user, 5_000, currency="JPY") for user in (alice, bob)]

    def pay(source, dest, amount, memo=None):
        order = Order(source_id=source.pk, dest_id=dest.pk, amount=amount, memo=memo)
        return services.transfer(order=order, actor=alice)

    with clock.at(LONG_AGO):
        old = pay(rich, other, 240_00, "Rent for March")
    return {
        "old": old,
        "rent": pay(rich, other, 240_00, "Rent for April, pump 4"),
        "lunch": pay(rich, other, 1_234_50, "Lunch"),
        "yen": pay(*yen, 240, "Sushi"),
    }


def found(browser, text, path=TRANSFERS, **filters):
    response = browser.get(path, {"q": text, **filters})
    assert response.status_code == 200
    return [row.pk for row in response.context["cl"].result_list]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("rent", ["rent", "old"]),
        ("RENT april", ["rent"]),
        ("pump 4", ["rent"]),
        ("240", ["yen", "rent", "old"]),
        ("240.00", ["rent", "old"]),
        ("240.00 USD", ["rent", "old"]),
        ("240 jpy", ["yen"]),
        ("1,234.5", ["lunch"]),
        ("1234.50", ["lunch"]),
        ("240.001", []),
        ("$240", ["rent", "old"]),
        ("240.00$", ["rent", "old"]),
        ("$1,234.50", ["lunch"]),
        ("240 USD", ["rent", "old"]),
        ("USD240", ["rent", "old"]),
        ("240jpy", ["yen"]),
        ("¥240", ["yen"]),
        ("¥240 USD", []),
        ("€240", []),
        ("abc240", []),
        ("2026-03", ["old"]),
        ("240 2026-03", ["old"]),
        ("2026-13", []),
        ("2026-03-29", ["old"]),
        ("240.00 2026-03-29", ["old"]),
        ("2026-03-29 23:59", ["old"]),
        ("2026-03-29 23:59:58 UTC", ["old"]),
        ("2026-03-29T23:59:58.123456Z rent", ["old"]),
        ("2026-03-29 23:59:59", []),
        ("2026-03-30", []),
        ("2026-02-30", []),
        ("o'neil", ["lunch", "rent", "old"]),
        ("lovelace 240", ["rent", "old"]),
        ("rent 2026-03-29 lovelace", ["old"]),
        ("lovelace rent", ["rent", "old"]),
        ("APRIL O'Neil rent", ["rent"]),
        ("ada lunch 1,234.50", ["lunch"]),
        ("lovelace o'neil", ["lunch", "rent", "old"]),
        ("ada ben april", ["rent"]),
        ("lovelace sushi", []),
        ("alice sushi", ["yen"]),
        ("99999999999999999999999", []),
        ("nothing", []),
    ],
)
def test_transfers_are_found_by_what_people_know_of_them(officer, book, text, names):
    assert found(officer, text) == [book[name].pk for name in names]


@pytest.mark.parametrize("form", ["{0}", "{0.hex}", "{{{0}}}", "urn:uuid:{0}", "…{1}", "{1}"])
def test_transfers_are_found_by_ids_in_any_notation(officer, book, form):
    wanted = book["lunch"].pk

    assert found(officer, form.format(wanted, wanted.hex[-6:])) == [wanted]


def test_a_month_is_found_in_memos_too(officer, book, alice):
    paid = book["rent"]
    order = Order(
        source_id=paid.source_id, dest_id=paid.dest_id, amount=5, memo="Salary for 2026-03"
    )
    salary = services.transfer(order=order, actor=alice)

    assert found(officer, "2026-03") == [salary.pk, book["old"].pk]
    assert found(officer, "2026-03 rent") == [book["old"].pk]


def test_the_id_of_an_account_is_narrowed_by_other_words(officer, book):
    account = book["old"].dest_id

    assert found(officer, f"{account} rent 2026-03-29") == [book["old"].pk]
    assert found(officer, f"{account} 1234.50") == [book["lunch"].pk]
    assert found(officer, f"{account} lovelace april") == [book["rent"].pk]


def test_filters_apply_to_a_search(officer, book):
    assert found(officer, "1234.50", kind__exact="DEPOSIT") == []
    assert len(found(officer, "lovelace", kind__exact="DEPOSIT")) == 1
    assert len(found(officer, "", kind__exact="DEPOSIT")) == 3
    assert found(officer, "", status="REVERSED") == []


def test_older_transfers_are_left_out_of_a_search_and_the_page_says_how_to_find_them(
    officer, book, monkeypatch
):
    monkeypatch.setattr(search, "NEWEST", 2)

    by_memo = officer.get(TRANSFERS, {"q": "march"})
    by_date = officer.get(TRANSFERS, {"q": "march 2026-03-29"})
    by_owner = officer.get(TRANSFERS, {"q": "ada lovelace"})

    assert [len(each.context["cl"].result_list) for each in (by_memo, by_date)] == [0, 1]
    owners = (
        "Owners were searched among the newest 2 accounts, and at most 2,000 of these. Search by "
        "the id of an account to find others."
    )
    assert messages_of(by_memo) == [
        (
            "warning",
            "Only the newest 2 transfers were searched. Add a date, such as 2026-01-31, or the id "
            f"of an account to find older ones. {owners}",
        )
    ]
    assert messages_of(by_date) == [("warning", owners)]
    # Its accounts are found by the complete name, and their transfers in an index of their own.
    assert book["rent"].pk in [row.pk for row in by_owner.context["cl"].result_list]


def test_older_transfers_are_found_in_the_accounts_that_a_rare_word_describes(
    officer, alice, funded_account, monkeypatch
):
    shop = funded_account(alice, owner_name="Corner Shop")
    everyday = [funded_account(alice, 1_00, owner_name="Everyday") for _ in range(3)]
    pay = [Order(source_id=own.pk, dest_id=shop.pk, amount=5, memo="Groceries") for own in everyday]
    paid = [services.transfer(order=order, actor=alice) for order in pay]
    elsewhere = Order(source_id=everyday[1].pk, dest_id=everyday[2].pk, amount=1)
    for _ in range(9):
        services.transfer(order=elsewhere, actor=alice)
    monkeypatch.setattr(search, "NEWEST", 9)
    monkeypatch.setattr(transfer_search, "MOST_ACCOUNTS", 1)

    texts = ("groceries everyday corner", "corner groceries", "groceries 0.05")

    newest_first = [each.pk for each in reversed(paid)]
    assert [found(officer, text) for text in texts] == [newest_first, newest_first, []]


def test_the_page_says_if_a_word_describes_more_accounts_than_are_searched(
    officer, book, monkeypatch
):
    texts = ("lovelace rent", "rent april")
    whole = [messages_of(officer.get(TRANSFERS, {"q": text})) for text in texts]
    monkeypatch.setattr(search, "MOST_OWNED", 1)
    cut = [messages_of(officer.get(TRANSFERS, {"q": text})) for text in texts]

    assert whole == [[], []]
    assert [len(messages) for messages in cut] == [1, 0]
    assert "at most 1 of these" in cut[0][0][1]


def test_entries_are_found_by_the_id_of_an_entry_a_transfer_or_an_account(officer, book):
    [debit, credit] = book["lunch"].entries.order_by("-type")
    entries = [entry.pk for entry in debit.account.entries.order_by("-pk")]

    assert found(officer, str(debit.pk), ENTRIES) == [debit.pk]
    assert set(found(officer, str(book["lunch"].pk), ENTRIES)) == {debit.pk, credit.pk}
    assert found(officer, str(debit.account_id), ENTRIES) == entries
    assert len(found(officer, str(debit.account_id), ENTRIES, type__exact="CREDIT")) == 1
    assert found(officer, f"…{debit.pk.hex[-6:]}", ENTRIES) == [debit.pk]


def test_events_are_found_by_the_id_of_an_account_a_transfer_or_an_event(officer, book):
    [number] = found(officer, str(book["lunch"].pk), EVENTS)
    event = officer.get(EVENTS).context["cl"].queryset.get(pk=number)

    assert found(officer, str(event.uuid), EVENTS) == [number]
    assert number in found(officer, str(book["lunch"].dest_id), EVENTS)
    assert len(found(officer, str(book["lunch"].dest_id), EVENTS)) == 4


MANY = 8_000
TEXTS = [
    "Lunch",
    "240.00",
    "bob",
    "bob lunch",
    "…abcdef",
    "2026-01-31",
    "2026-01",
    "$240",
    "{account}",
    "{account} 240",
]
QUERIES = [
    *({"q": text} for text in TEXTS),
    *({"kind__exact": kind.value} for kind in (Kind.REVERSAL, Kind.HOLD)),
    *({"status": status} for status in ("PENDING", "REVERSED", "POSTED")),
    {},
]


@pytest.mark.no_cover
def test_a_search_reads_no_more_rows_of_a_larger_ledger(officer, bob, monkeypatch):
    monkeypatch.setattr(search, "NEWEST", 200)
    monkeypatch.setattr(pages, "MOST_COUNTED", 200)
    accounts = open_accounts(bob, 10)
    queries = [
        (path, {name: text.format(account=accounts[0].pk) for name, text in query.items()})
        for path in (TRANSFERS, ENTRIES, EVENTS)
        for query in QUERIES
        if path == TRANSFERS or "q" in query
    ]

    def costs():
        return [work_of(lambda path=path, query=query: officer.get(path, query))
                for path, query in queries]  # fmt: skip

    fill(accounts, 4_000, days_ago=30)
    smaller = costs()
    fill(accounts, MANY)
    larger = costs()

    dearer = {
        f"{path} {query}": (before, after)
        for (path, query), before, after in zip(queries, smaller, larger, strict=True)
        if after > before + MANY / 2
    }
    assert dearer == {}


def test_a_search_by_date_finds_transfers_whose_ids_have_another_time(officer, alice, book):
    # An application may choose the id of a transfer by its own clock.
    order = Order(
        source_id=book["old"].source_id,
        dest_id=book["old"].dest_id,
        amount=7,
        id=next(clock.ids_at(LONG_AGO + timedelta(minutes=9))),
    )
    with clock.at(LONG_AGO):
        posted = services.transfer(order=order, actor=alice)

    assert found(officer, "0.07 2026-03-29") == [posted.pk]
