"""``GET /events``: who sees which events, in which order, and how a reader continues."""

import pytest

from accounts import services as account_services
from conftest import allow
from events.cursors import position_of
from events.examples import FROZEN, POSTED
from events.models import Event
from transfers import services
from transfers.tests.orders import hold_order, transfer_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(client_for, publish):
    """Return a function that reads the feed as a user, and returns the response's body."""

    def get(user, **query):
        publish()
        response = client_for(user).get("/events", query)
        assert response.status_code == 200, response.content
        return response.json()

    return get


def read_all(read, user, limit=2, **query):
    """Return the events on all pages, reading until there is none left."""
    items, query = [], {**query, "limit": limit}
    while True:
        page = read(user, **query)
        items += page["items"]
        if len(page["items"]) < limit:
            return items
        query["after"] = page["next_cursor"]


def ids(events):
    return [str(event.uuid) for event in events]


def seen(items):
    return [item["id"] for item in items]


@pytest.fixture
def history(alice, bob, staff, source, dest, funded_account):
    """Events of alice, of bob, of both, and of staff alone."""
    theirs = funded_account(staff, 5_00)
    transfer_order(source, dest, 10, actor=alice)
    transfer_order(dest, source, 5, actor=bob)
    held = hold_order(source, dest, 20, actor=alice)
    account_services.freeze(account_id=theirs.pk, actor=staff)
    services.capture(hold_id=held.pk, actor=bob)
    return theirs


def test_a_reader_at_the_end_of_the_log_is_at_its_newest_event(read, bob, history):
    # A place behind it would be of no use after a restore: see `order.continue_order`.
    cursor = read(bob, type="account.closed")["next_cursor"]

    assert position_of(cursor) == Event.objects.in_order().last().position


def test_users_see_the_events_of_their_own_accounts_in_order(
    read, alice, bob, staff, history, source, dest
):
    every = Event.objects.in_order()
    of_alice = [e for e in every if source.pk in (e.account_id, e.other_account_id)]
    of_bob = [e for e in every if dest.pk in (e.account_id, e.other_account_id)]

    assert seen(read(alice)["items"]) == ids(of_alice)
    assert seen(read(bob)["items"]) == ids(of_bob)
    assert seen(read(staff)["items"]) == ids(every)
    assert [item["type"] for item in read(alice)["items"]] == [
        "account.opened",
        "transfer.posted",
        "transfer.posted",
        "transfer.posted",
        "hold.created",
        "transfer.posted",
        "hold.captured",
    ]


def test_a_user_without_accounts_sees_no_events(read, newcomer, history):
    assert read(newcomer)["items"] == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_a_reader_who_continues_sees_each_event_once(read, alice, staff, history, limit):
    for user in (alice, staff):
        assert seen(read_all(read, user, limit=limit)) == seen(read(user)["items"])


def test_the_cursor_never_ends(read, alice, source, dest):
    first = read(alice)
    again = read(alice, after=first["next_cursor"])
    paid = transfer_order(source, dest, 10, actor=alice)
    news = read(alice, after=again["next_cursor"])

    assert again["items"] == []
    assert [item["data"]["id"] for item in news["items"]] == [str(paid.pk)]
    assert seen(read(alice, after=first["next_cursor"])["items"]) == seen(news["items"])
    assert read(alice, after=news["next_cursor"])["items"] == []


def test_an_empty_log_has_a_cursor_too(read, alice, funded_account):
    cursor = read(alice)["next_cursor"]
    funded_account(alice)

    assert [item["type"] for item in read(alice, after=cursor)["items"]] == ["account.opened"]


def test_events_are_filtered_by_type_and_account(read, alice, staff, history, source):
    for user in (alice, staff):
        every = read(user)["items"]
        for type in ("transfer.posted", "hold.captured", "account.closed"):
            wanted = [item["id"] for item in every if item["type"] == type]
            assert seen(read_all(read, user, type=type)) == wanted
    of_account = seen(read(alice)["items"])
    assert seen(read_all(read, staff, account_id=source.pk)) == of_account
    assert seen(read_all(read, alice, account_id=source.pk)) == of_account
    captured = read(staff, account_id=source.pk, type="hold.captured")["items"]
    assert [item["type"] for item in captured] == ["hold.captured"]


def test_a_cursor_works_with_other_filters(read, alice, history, source):
    first = read(alice, limit=3)
    rest = read(alice, after=first["next_cursor"], type="hold.captured")["items"]

    assert [item["type"] for item in rest] == ["hold.captured"]


def test_an_account_that_the_caller_may_not_see_is_not_found(client_for, alice, bob, dest):
    for account_id in (dest.pk, "00000000-0000-7000-8000-000000555344"):
        response = client_for(alice).get("/events", {"account_id": account_id})
        listed = client_for(alice).get("/transfers", {"account_id": account_id})
        assert (response.status_code, response.json()["code"]) == (404, "account_not_found")
        assert response.json()["detail"] == listed.json()["detail"]


def test_a_permission_that_was_lost_shows_no_more(read, bob, history, source, dest):
    reader = allow(bob, "accounts.read_any")
    everything = read(reader)["items"]
    reader.user_permissions.clear()

    remaining = read(type(bob).objects.get(pk=bob.pk))["items"]

    assert len(remaining) < len(everything)
    assert all(str(dest.pk) in str(item["data"]) for item in remaining)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"after": ""}, 400, "invalid_cursor"),
        ({"after": "made-up"}, 400, "invalid_cursor"),
        ({"limit": "0"}, 422, "validation_failed"),
        ({"limit": "101"}, 422, "validation_failed"),
        ({"wait": "21"}, 422, "validation_failed"),
        ({"wait": "-1"}, 422, "validation_failed"),
        ({"wait": "1.5"}, 422, "validation_failed"),
        ({"type": "money.lost"}, 422, "validation_failed"),
        ({"type": ""}, 422, "validation_failed"),
        ({"account_id": "1"}, 422, "validation_failed"),
        ({"cursor": "x"}, 422, "validation_failed"),
        ({"since": "yesterday"}, 422, "validation_failed"),
    ],
)
def test_an_invalid_query_is_refused(api, query, status, code):
    response = api.get("/events", query)

    assert (response.status_code, response.json()["code"]) == (status, code)


def test_an_invalid_cursor_never_advises_to_read_every_event_again(api):
    response = api.get("/events", {"after": "made-up"})

    assert response.json()["detail"] == (
        "Invalid cursor: continue after the last `next_cursor` that you stored."
    )


def test_the_example_of_the_documentation_looks_like_a_real_event(read, staff, history):
    for example in (POSTED, FROZEN):
        found = read(staff, type=example["type"])["items"][0]
        assert found.keys() == example.keys()
        assert found["data"].keys() == example["data"].keys()


def test_a_cursor_of_another_list_is_refused(api, alice, source, dest):
    for _ in range(2):
        transfer_order(source, dest, 1, actor=alice)
    cursor = api.get("/transfers", {"limit": 1}).json()["next_cursor"]

    response = api.get("/events", {"after": cursor})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")
    of_feed = api.get("/events").json()["next_cursor"]
    listed = api.get("/transfers", {"limit": 1, "cursor": of_feed})
    assert (listed.status_code, listed.json()["code"]) == (400, "invalid_cursor")


def test_no_event_shows_the_balance_of_another_account(read, bob, history, source):
    text = str(read(bob)["items"])

    assert "balance" in text
    assert all(
        item["data"]["id"] != str(source.pk) and "owner_name" not in item["data"]
        for item in read(bob)["items"]
        if item["type"].startswith(("transfer", "hold"))
    )


@pytest.mark.parametrize("count", [1, 3])
def test_a_page_takes_the_same_queries_for_any_number_of_events(
    client_for, django_assert_num_queries, publish, alice, source, dest, count
):
    for _ in range(count):
        transfer_order(source, dest, 1, actor=alice)
    client = client_for(alice)
    publish()

    # The user, the end of the log, the places of the events, and the events.
    with django_assert_num_queries(4):
        assert client.get("/events").status_code == 200
