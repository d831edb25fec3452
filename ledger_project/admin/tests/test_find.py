"""The search of all tables, from the field at the top of each page."""

import re

import pytest

from accounts.tests.admin_pages import queries_of
from transfers.services import Order, transfer

FIND = "/admin/find/"


@pytest.fixture
def paid(alice, bob, funded_account):
    source, dest = funded_account(alice, 100_00), funded_account(bob, owner_name="Bob Jones")
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=24_00, memo="Lunch")
    return transfer(order=order, actor=alice)


def results(browser, text) -> dict[str, list[str]]:
    response = browser.get(FIND, {"q": text})
    assert response.status_code == 200
    return {
        each["name"]: [str(row["row"]) for row in each["rows"]]
        for each in response.context["results"]
    }


def test_everything_with_an_id_is_found(browser, paid):
    found = results(browser, str(paid.dest_id))

    assert {name: len(rows) for name, rows in found.items()} == {
        "accounts": 1,
        "transfers": 1,
        "ledger entries": 1,
        "events": 2,
    }
    assert found["accounts"] == [str(paid.dest)]
    assert found["transfers"] == [str(paid)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lunch", {"transfers": 1}),
        ("24.00", {"transfers": 1}),
        ("jones", {"accounts": 1, "transfers": 1}),
        ("jones lunch", {"transfers": 1}),
        ("alice jones 24.00", {"transfers": 1}),
        ("nothing at all", {}),
        ("", {}),
    ],
)
def test_tables_are_searched_by_text(browser, paid, text, expected):
    assert {name: len(rows) for name, rows in results(browser, text).items()} == expected


def test_similar_rows_are_told_apart(browser, paid):
    html = browser.get(FIND, {"q": "jones"}).text

    time = f"{paid.created_at:%Y-%m-%d %H:%M:%S} UTC"
    told = re.findall('<span class="about">([^<]+)</span>', html.replace("\N{NO-BREAK SPACE}", " "))
    assert told == ["Open · 24.00 USD", f"Posted · {time} · alice → Bob Jones · Lunch"]


def test_the_number_of_queries_is_independent_of_the_number_of_results(browser, alice, paid):
    order = Order(source_id=paid.source_id, dest_id=paid.dest_id, amount=1_00, memo="Lunch")
    queries_of(browser, f"{FIND}?q=lunch")  # The first request reads more.
    one = queries_of(browser, f"{FIND}?q=lunch")
    for _ in range(2):
        transfer(order=order, actor=alice)

    assert queries_of(browser, f"{FIND}?q=lunch") == one


def test_more_rows_are_linked(browser, alice, funded_account):
    for _ in range(6):
        funded_account(alice, owner_name="Smith")

    html = browser.get(FIND, {"q": "smith"}).content.decode()

    assert '<a href="/admin/accounts/account/?q=smith">All matching accounts</a>' in html
    assert html.count("Smith USD") == 5


def test_staff_find_only_what_they_may_see(client, newcomer, paid):
    client.force_login(newcomer)

    assert results(client, str(paid.pk)) == {}


def test_each_page_has_the_field(browser, paid):
    pages = [browser.get(path).content.decode() for path in ("/admin/", f"{FIND}?q=<b>Lunch")]

    assert [html.count('<form id="find" action="/admin/find/"') for html in pages] == [1, 1]
    assert 'value="&lt;b&gt;Lunch"' in pages[1]


@pytest.mark.parametrize("path", [f"{FIND}?q=", "/admin/transfers/transfer/?q=", f"{FIND}?term="])
def test_a_long_search_is_refused_with_a_page(browser, path):
    answers = [browser.get(path + "w " * count) for count in (100, 101)]

    assert [answer.status_code for answer in answers] == [200, 422]
    assert "Enter at most 200 characters." in answers[1].content.decode()
