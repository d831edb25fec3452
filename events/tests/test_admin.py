"""The admin's list of events, and the page of one, which are read-only."""

import json

import pytest
from django.urls import reverse

from accounts.admin.pages import DASH
from accounts.tests.admin_pages import column, field, queries_of
from events.bodies import body_of
from events.models import Event
from transfers.tests.filled import fill, work_of
from transfers.tests.orders import hold_order, transfer_order

pytestmark = pytest.mark.django_db

EVENTS = reverse("admin:events_event_changelist")


@pytest.fixture
def officer(client, staff):
    """Return a client logged in as a staff user who may read everything."""
    client.force_login(staff)
    return client


def test_the_list_shows_events_newest_first(officer, alice, source, dest):
    transfer_order(source, dest, 10, actor=alice)
    hold_order(source, dest, 5, actor=alice)

    response = officer.get(EVENTS)

    events = list(Event.objects.order_by("-pk"))
    shown = column(response, "event_shown")
    assert [text.split() for text in shown] == [[each.type, str(each.uuid)] for each in events]
    names = ("account_shown", "other_account_shown", "of_transfer")
    rows = list(zip(*(column(response, name) for name in names), strict=True))
    assert rows[:2] == [("alice", "bob", "Hold"), ("alice", "bob", "Transfer")]
    assert rows[-1] == ("alice", DASH, DASH)


def test_events_are_found_by_account_and_filtered_by_type(officer, alice, source, dest):
    transfer_order(source, dest, 10, actor=alice)

    of_dest = officer.get(EVENTS, {"q": str(dest.pk)})
    opened = officer.get(EVENTS, {"q": str(dest.pk), "type__exact": "account.opened"})
    nothing = officer.get(EVENTS, {"q": "alice"})

    assert [text.split()[0] for text in column(of_dest, "event_shown")] == [
        "transfer.posted",
        "account.opened",
    ]
    assert [text.split()[0] for text in column(opened, "event_shown")] == ["account.opened"]
    assert column(nothing, "event_shown") == []


@pytest.mark.one_database
def test_a_filter_by_a_rare_type_does_not_read_the_other_events(officer, source, dest):
    url = f"{EVENTS}?type__exact=account.opened"

    def work() -> int:
        return work_of(lambda: officer.get(url))

    fill([source, dest], 1_000)
    work()
    before = work()
    fill([source, dest], 4_000)

    assert work() <= 1.1 * before


def test_the_page_of_an_event_shows_what_readers_get(officer, alice, source, dest):
    paid = transfer_order(source, dest, 10, actor=alice, memo="<b>Lunch</b>")
    event = Event.objects.with_data().get(transfer=paid)

    page = officer.get(reverse("admin:events_event_change", args=[event.pk]))

    assert json.loads(field(page, "data_shown")) == body_of(event)["data"]
    assert field(page, "transfer_shown") == f"Transfer {paid.pk}"
    assert field(page, "time") == f"{event.created_at:%Y-%m-%d %H:%M:%S} UTC"
    assert b'name="_save"' not in page.content


def test_the_list_takes_the_same_queries_for_any_number_of_events(officer, alice, source, dest):
    before = queries_of(officer, EVENTS)
    for _ in range(3):
        transfer_order(source, dest, 1, actor=alice)

    assert queries_of(officer, EVENTS) == before
