"""The rows of a filtered list as a CSV file."""

import csv
import re
from io import StringIO

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.admin import pages, search
from accounts.tests.admin_pages import found
from api.instants import instant
from transfers import services
from transfers.services import Order
from transfers.tests.orders import hold_order

LISTS = {
    name: reverse(f"admin:{name}_changelist")
    for name in ("transfers_transfer", "accounts_account", "transfers_ledgerentry")
}
TRANSFERS, ACCOUNTS, ENTRIES = LISTS.values()


@pytest.fixture
def book(alice, bob, funded_account):
    """Return a transfer and a hold from alice, whose account is named like a formula, to bob."""
    source = funded_account(alice, 5_000_00, owner_name="=Ada")
    dest = funded_account(bob, owner_name="Ben")
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=1_234_56, memo="@Rent, and more")
    return services.transfer(order=order, actor=alice), hold_order(source, dest, 240, actor=alice)


def rows_of(browser, path: str, query: str = "") -> list[dict[str, str]]:
    response = browser.get(f"{path}filtered.csv{query}")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    content = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(StringIO(content, newline="")))


def link_of(browser, path: str, query: str = "") -> tuple[str, str]:
    """Return the address and the text of the link to the file on a list."""
    html = browser.get(f"{path}{query}").text
    [link] = re.findall(r'<p class="csv"><a href="([^"]*)">(.*?)</a></p>', html)
    return link


def test_the_filtered_transfers_are_downloaded(reader, book):
    paid, hold = book

    assert [row["id"] for row in rows_of(reader, TRANSFERS, "?kind__exact=HOLD")] == [str(hold.pk)]
    [row] = rows_of(reader, TRANSFERS, "?q=rent")
    assert row == {
        "id": str(paid.pk),
        "created_at": instant(paid.created_at),
        "kind": "TRANSFER",
        "amount": "1234.56",
        "currency": "USD",
        "memo": "'@Rent, and more",
        "source_id": str(paid.source_id),
        "source_name": "'=Ada",
        "dest_id": str(paid.dest_id),
        "dest_name": "Ben",
        "hold_id": "",
        "reverses_id": "",
        "created_by": "alice",
        "status": "POSTED",
    }


def test_the_filtered_accounts_are_downloaded(reader, book):
    source = book[0].source
    source.refresh_from_db()

    [row] = rows_of(reader, ACCOUNTS, "?q=ada")
    [external] = rows_of(reader, ACCOUNTS, "?kind__exact=EXTERNAL&currency=USD")

    assert row == {
        "id": str(source.pk),
        "owner_name": "'=Ada",
        "owner": "alice",
        "currency": "USD",
        "kind": "CUSTOMER",
        "status": "OPEN",
        "balance": "3765.44",
        "held": "2.40",
        "available": "3763.04",
        "overdraft_limit": "0.00",
        "created_at": instant(source.created_at),
    }
    # It stores no balance.
    assert (external["owner_name"], external["balance"]) == ("External USD", "")


def test_the_filtered_entries_are_downloaded(reader, book):
    paid = book[0]
    credit = paid.entries.get(type="CREDIT")

    [row] = rows_of(reader, ENTRIES, f"?q={paid.pk}&type__exact=CREDIT")

    assert row == {
        "sequence": "1",
        "ts": instant(credit.ts),
        "account_id": str(paid.dest_id),
        "account_name": "Ben",
        "kind": "TRANSFER",
        "type": "CREDIT",
        "amount": "1234.56",
        "balance": "1234.56",
        "currency": "USD",
        "memo": "'@Rent, and more",
        "transfer_id": str(paid.pk),
        "id": str(credit.pk),
    }


@pytest.mark.parametrize("path", LISTS.values(), ids=LISTS)
def test_the_file_has_the_rows_of_the_list_and_its_link_keeps_the_filters(reader, book, path):
    shown = found(reader.get(path))

    assert [row["id"] for row in rows_of(reader, path)] == [str(each) for each in shown]
    address, text = link_of(reader, path, "?q=rent&p=1")
    assert address == f"{path}filtered.csv?q=rent"
    assert text.startswith("Download these ")


def test_a_file_is_cut_where_the_list_stops_counting_and_the_page_says_so(
    reader, book, monkeypatch
):
    everything = rows_of(reader, TRANSFERS)
    monkeypatch.setattr(pages, "MOST_COUNTED", 2)

    assert rows_of(reader, TRANSFERS) == everything[:2]
    assert link_of(reader, TRANSFERS)[1] == "Download the newest 2 of these transfers as CSV"
    assert link_of(reader, TRANSFERS, "?kind__exact=HOLD")[1] == "Download these transfers as CSV"


@pytest.mark.parametrize("path", LISTS.values(), ids=LISTS)
def test_the_queries_are_constant_and_count_nothing(reader, book, alice, path):
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            rows_of(reader, path)
        return [each["sql"] for each in captured]

    queries()  # The first request reads more.
    few = queries()
    paid = book[0]
    for _ in range(2):
        order = Order(source_id=paid.source_id, dest_id=paid.dest_id, amount=5)
        services.transfer(order=order, actor=alice)

    assert len(queries()) == len(few)
    assert [sql for sql in few if "COUNT(" in sql] == []


def test_a_download_leaves_no_warning_for_the_next_page(reader, book, monkeypatch):
    monkeypatch.setattr(search, "NEWEST", 1)

    rows_of(reader, TRANSFERS, "?q=rent")

    assert list(get_messages(reader.get("/admin/").wsgi_request)) == []


@pytest.mark.parametrize("path", LISTS.values(), ids=LISTS)
def test_only_those_who_may_see_the_list_get_its_file(client, newcomer, staff, path):
    client.force_login(newcomer)
    refused = client.get(f"{path}filtered.csv").status_code
    client.force_login(staff)

    assert refused == 403
    assert len(rows_of(client, path)) == len(found(client.get(path)))


def test_an_invalid_filter_leads_back_to_the_list(reader, book):
    response = reader.get(f"{TRANSFERS}filtered.csv?status__exact=x")

    assert (response.status_code, response["Location"]) == (302, f"{TRANSFERS}?e=1")
