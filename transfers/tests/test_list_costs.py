"""The number of rows that lists make the database read, with statistics. Nothing is timed."""

from urllib.parse import urlencode

import pytest

from accounts.models import Account
from transfers.kinds import Kind
from transfers.models import Transfer
from transfers.querysets import TransferStatus
from transfers.tests.filled import fill, open_accounts, work_of

pytestmark = [pytest.mark.django_db, pytest.mark.no_cover]

MANY = 8_000
RANGE = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
QUERIES = [
    {},
    RANGE,
    *({"kind": kind.value} for kind in Kind),
    *({"status": status.value} for status in TransferStatus),
    {"kind": Kind.TRANSFER.value, "status": TransferStatus.REVERSED.value, **RANGE},
]


def costs(client, queries=QUERIES):
    """Return the cost of the first and the second page of each list."""
    found = {}
    for query in queries:
        query = {**query, "limit": 10}
        page = client.get("/transfers", query).json()
        found[urlencode(query)] = work_of(lambda query=query: client.get("/transfers", query))
        if cursor := page["next_cursor"]:
            query |= {"cursor": cursor}
            found[urlencode(query)] = work_of(lambda query=query: client.get("/transfers", query))
    return found


def assert_no_dearer(before: dict[str, int], after: dict[str, int]) -> None:
    """Assert that none of these queries read the rows that were added in between."""
    dearer = {query: (before[query], now) for query, now in after.items()
              if now > before[query] + MANY / 10}  # fmt: skip
    assert dearer == {}


def test_the_cost_of_a_list_does_not_depend_on_transfers_of_others(client_for, make_user, bob):
    clients = []
    for number in (2, 20, 21, 300):
        at_rest, empty = make_user(), make_user()
        fill(open_accounts(at_rest, number) + open_accounts(bob, 1), 40, days_ago=30)
        open_accounts(empty, number)
        clients += [client_for(at_rest), client_for(empty)]

    alone = [costs(client) for client in clients]
    fill(open_accounts(bob, 10), MANY)
    beside = [costs(client) for client in clients]

    for before, after in zip(alone, beside, strict=True):
        assert_no_dearer(before, after)


def test_the_cost_of_an_accounts_list_does_not_depend_on_other_accounts_of_its_owner(
    api, client_for, staff, alice
):
    quiet, *busy = open_accounts(alice, 11)
    fill([quiet, busy[0]], 40, days_ago=30)
    queries = [{**query, "account_id": str(quiet.pk)} for query in QUERIES]
    clients = [api, client_for(staff)]

    alone = [costs(client, queries) for client in clients]
    fill(busy, MANY)
    beside = [costs(client, queries) for client in clients]

    for before, after in zip(alone, beside, strict=True):
        assert_no_dearer(before, after)


def test_a_page_costs_the_same_at_any_depth(api, alice):
    fill(open_accounts(alice, 3), MANY)
    middle = Transfer.objects.order_by("pk")[MANY // 2].pk
    last = Transfer.objects.order_by("pk")[30].pk
    own = Account.objects.filter(owner=alice)

    first, deep, deepest = [
        work_of(lambda before=before: list(Transfer.objects.newest_of_accounts(own, before, 10)))
        for before in (None, middle, last)
    ]

    assert_no_dearer({"deep": first, "deepest": first}, {"deep": deep, "deepest": deepest})
    assert first < MANY


@pytest.mark.parametrize(
    ("parameter", "values", "rows"),
    [
        ("kind", [kind for kind in Kind if kind != Kind.TRANSFER], 1_000),
        ("status", list(TransferStatus)[1:], 400),
    ],
    ids=["kind", "status"],
)
def test_listing_what_was_common_long_ago_is_cheap(client_for, staff, bob, parameter, values, rows):
    theirs = open_accounts(bob, 10)
    queries = [{parameter: value.value} for value in values]
    fill(theirs, rows, days_ago=30)

    alone = costs(client_for(staff), queries)
    fill(theirs, MANY, only=Kind.TRANSFER)
    beside = costs(client_for(staff), queries)

    assert_no_dearer(alone, beside)
