"""Pagination of all lists: newest first, with signed cursors, and stable while rows arrive."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import pytest

from accounts.models import Account
from api.tests.contract import assert_invalid, assert_problem
from transfers import services

pytestmark = pytest.mark.django_db


@dataclass
class Listing:
    """A list that belongs to alice: its URL, how to add a row, and what bob gets from it."""

    path: str
    add: Callable[[], object]
    seen_by_another: tuple[int, list | None] = (200, [])


@pytest.fixture(params=["accounts", "transfers", "statement"])
def listing(request, alice, funded_account) -> Listing:
    account = funded_account(alice)

    def deposit():
        services.deposit(account_id=account.pk, amount=1, actor=alice)

    return {
        # Only the accounts of this list are in EUR. The account of the other lists is in USD.
        "accounts": Listing("/accounts?currency=EUR&", lambda: _open(alice)),
        "transfers": Listing("/transfers?", deposit),
        "statement": Listing(f"/accounts/{account.pk}/statement?", deposit, (404, None)),
    }[request.param]


def _open(owner) -> Account:
    return Account.objects.create(owner=owner, owner_name="Alice", currency="EUR")


def fill(listing: Listing, count: int) -> None:
    for _ in range(count):
        listing.add()


def ids(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def page(api, listing: Listing, limit: int, cursor: str | None = None):
    following = "" if cursor is None else f"&cursor={cursor}"
    return api.get(f"{listing.path}limit={limit}{following}")


def walk(api, listing: Listing, limit: int) -> list[list[str]]:
    """Return the ids on every page, following the cursors."""
    pages, cursor = [], None
    while not pages or cursor is not None:
        response = page(api, listing, limit, cursor)
        pages.append(ids(response))
        cursor = response.json()["next_cursor"]
    return pages


@pytest.mark.parametrize(
    ("count", "limit", "sizes"),
    [(0, 2, [0]), (1, 2, [1]), (2, 2, [2]), (3, 2, [2, 1]), (5, 1, [1] * 5), (5, 100, [5])],
)
def test_the_pages_together_are_the_list(api, listing, count, limit, sizes):
    fill(listing, count)
    whole = ids(page(api, listing, 100))

    pages = walk(api, listing, limit)

    assert [len(each) for each in pages] == sizes
    assert list(chain.from_iterable(pages)) == whole
    assert len(set(whole)) == count


def test_a_list_is_newest_first(api, listing):
    fill(listing, 1)
    older = ids(page(api, listing, 100))
    fill(listing, 1)

    newer = ids(page(api, listing, 100))

    assert len(newer) == 2
    assert newer[1:] == older


def test_a_page_has_50_items_unless_another_limit_is_asked_for(api, listing):
    fill(listing, 51)

    response = api.get(listing.path.rstrip("?&"))

    assert len(ids(response)) == 50
    assert isinstance(response.json()["next_cursor"], str)
    assert [len(each) for each in walk(api, listing, 100)] == [51]


def test_pages_do_not_shift_while_new_rows_arrive(api, listing):
    fill(listing, 5)
    whole = ids(page(api, listing, 100))

    first = page(api, listing, 2)
    fill(listing, 3)
    second = page(api, listing, 2, first.json()["next_cursor"])
    fill(listing, 3)
    third = page(api, listing, 2, second.json()["next_cursor"])

    assert ids(first) + ids(second) + ids(third) == whole
    assert third.json()["next_cursor"] is None


def test_a_cursor_works_repeatedly_and_with_another_limit(api, listing):
    fill(listing, 5)
    whole = ids(page(api, listing, 100))
    cursor = page(api, listing, 1).json()["next_cursor"]

    answers = [ids(page(api, listing, limit, cursor)) for limit in (3, 3, 100)]

    assert answers == [whole[1:4], whole[1:4], whole[1:]]


def test_a_cursor_needs_no_escaping_in_a_url(api, listing):
    fill(listing, 2)

    cursor = page(api, listing, 1).json()["next_cursor"]

    assert re.fullmatch(r"[A-Za-z0-9._~-]+", cursor)


@pytest.mark.parametrize("limit", ["1", "100"])
def test_a_limit_may_be_1_to_100(api, listing, limit):
    response = api.get(f"{listing.path}limit={limit}")

    assert response.status_code == 200


@pytest.mark.parametrize(
    "limit",
    ["0", "101", "-1", "1.0", "1e1", "x", "%2B1", "%201", "0x1", "%EF%BC%91", "1" * 5000, "%00"],
)
def test_an_invalid_limit_is_refused(api, listing, limit):
    response = api.get(f"{listing.path}limit={limit}")

    assert_invalid(response, ("#/limit", "invalid"))


@pytest.mark.parametrize(
    ("query", "name", "code"),
    [
        ("limit=", "limit", "empty_parameter"),
        ("limit=1&limit=1", "limit", "repeated_parameter"),
        ("cursor=a&cursor=b", "cursor", "repeated_parameter"),
        ("offset=1", "offset", "unknown_parameter"),
        ("LIMIT=1", "LIMIT", "unknown_parameter"),
        ("at=2026-01-01T00:00:00Z", "at", "unknown_parameter"),
        ("a/b~c=1", "a~1b~0c", "unknown_parameter"),
    ],
)
def test_a_query_parameter_that_is_unknown_empty_or_repeated_is_refused(
    api, listing, query, name, code
):
    response = api.get(f"{listing.path}{query}")

    assert_invalid(response, (f"#/{name}", code))


FORGERIES = {
    "empty": lambda cursor: "",
    "blank": lambda cursor: "%20",
    "nul": lambda cursor: "%00",
    "no utf-8": lambda cursor: "%ff",
    "text": lambda cursor: "abc",
    "number": lambda cursor: "1",
    "dot": lambda cursor: ".",
    "truncated": lambda cursor: cursor[:-1],
    "halved": lambda cursor: cursor[: len(cursor) // 2],
    "unsigned": lambda cursor: cursor.rpartition(".")[0],
    "extended": lambda cursor: cursor + "A",
    "twice": lambda cursor: cursor + cursor,
    "tampered": lambda cursor: ("A" if cursor[0] != "A" else "B") + cursor[1:],
    "other case": lambda cursor: cursor.swapcase(),
    "trailing blank": lambda cursor: cursor + "%20",
    "long": lambda cursor: cursor * 20,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_or_changed_cursor_is_refused(api, listing, forgery):
    fill(listing, 2)
    cursor = page(api, listing, 1).json()["next_cursor"]

    response = page(api, listing, 1, FORGERIES[forgery](cursor))

    assert_problem(
        response, 400, "invalid_cursor", detail="Invalid cursor: request the first page again."
    )


def test_a_cursor_signed_with_another_key_is_refused(api, listing, settings):
    fill(listing, 2)
    cursor = page(api, listing, 1).json()["next_cursor"]
    settings.SECRET_KEY = "another-key-of-the-tests-and-of-nothing-else"

    response = page(api, listing, 1, cursor)

    assert_problem(
        response, 400, "invalid_cursor", detail="Invalid cursor: request the first page again."
    )


def test_a_cursor_of_another_list_is_refused(api, listing, alice, funded_account):
    account = funded_account(alice)
    for _ in range(2):
        services.deposit(account_id=account.pk, amount=1, actor=alice)
    foreign = api.get(f"/accounts/{account.pk}/statement?limit=1").json()["next_cursor"]

    response = page(api, listing, 1, foreign)

    assert_problem(
        response, 400, "invalid_cursor", detail="Invalid cursor: request the first page again."
    )


def test_a_cursor_grants_no_access_to_another_user(api, client_for, bob, listing):
    fill(listing, 2)
    cursor = page(api, listing, 1).json()["next_cursor"]

    response = page(client_for(bob), listing, 1, cursor)

    assert (response.status_code, response.json().get("items")) == listing.seen_by_another


def test_a_statement_cursor_works_with_the_account_id_in_upper_case(api, alice, funded_account):
    account = funded_account(alice)
    for _ in range(2):
        services.deposit(account_id=account.pk, amount=1, actor=alice)
    path = f"/accounts/{account.pk}/statement"
    first = api.get(f"{path}?limit=1").json()

    response = api.get(
        f"/accounts/{str(account.pk).upper()}/statement?limit=1&cursor={first['next_cursor']}"
    )

    assert response.status_code == 200
    assert [item["sequence"] for item in response.json()["items"]] == [1]
