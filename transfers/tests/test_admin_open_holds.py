"""The open holds on an account's page in the admin."""

import pytest

from accounts.tests.admin_pages import action_of, figure, page_of, queries_of, table
from transfers import services
from transfers.admin import open_holds
from transfers.admin.open_holds import newest_open
from transfers.tests.filled import work_of
from transfers.tests.orders import expired_hold, hold_order
from transfers.tests.test_hold_costs import MANY, resolve_many_holds

pytestmark = pytest.mark.django_db


def test_the_held_figure_leads_to_the_open_holds_with_their_actions(
    officer, alice, bob, source, dest
):
    resolved, older, newer = (hold_order(source, dest, amount, actor=alice) for amount in (1, 2, 3))
    services.void(hold_id=resolved.pk, actor=bob)

    page = officer.get(page_of(source))

    assert figure(page, "held") == "0.05 USD"
    html = page.content.decode()
    assert '<dd><a href="#holds">' in html
    rows = table(page, "holds")
    assert [row[:2] for row in rows] == [["0.03 USD", "bob"], ["0.02 USD", "bob"]]
    assert [row[5].split() for row in rows] == [["Capture", "Void"]] * 2
    links = [action_of(each, name) for each in (older, newer) for name in ("capture", "void")]
    assert [f'href="{link}"' in html for link in links] == [True] * 4
    assert action_of(resolved, "void") not in html


def test_without_the_permission_holds_are_seen_but_not_resolved(
    client, make_user, alice, source, dest
):
    hold = hold_order(source, dest, 3, actor=alice)
    client.force_login(make_user("accounts.read_any", is_staff=True))

    page = client.get(page_of(source))

    assert [row[0] for row in table(page, "holds")] == ["0.03 USD"]
    assert action_of(hold, "void") not in page.content.decode()


def test_an_expired_hold_is_shown_as_such_without_actions(officer, alice, source, dest):
    hold = expired_hold(source, dest, 3, actor=alice)

    page = officer.get(page_of(source))

    [row] = table(page, "holds")
    assert (row[4].startswith("Expired "), row[5]) == (True, "Released with the next posting")
    assert action_of(hold, "void") not in page.content.decode()


def test_an_account_without_holds_says_so(officer, source, dest):
    assert table(officer.get(page_of(source)), "holds") == [["No open holds."]]
    assert figure(officer.get(page_of(source)), "held") == "0.00 USD"


def test_what_older_holds_reserve_is_named(officer, alice, source, dest, monkeypatch):
    monkeypatch.setattr(open_holds, "MOST_SEARCHED", 2)
    for amount in (1, 2, 3):
        hold_order(source, dest, amount, actor=alice)

    page = officer.get(page_of(source))

    assert [row[0] for row in table(page, "holds")] == ["0.03 USD", "0.02 USD"]
    assert "0.01\N{NO-BREAK SPACE}USD more is held by older holds" in page.content.decode()


def test_three_holds_take_as_many_queries_as_one(officer, alice, source, dest):
    counts = []
    for _ in range(3):
        hold_order(source, dest, 1, actor=alice)
        counts.append(queries_of(officer, page_of(source)))

    assert len(set(counts)) == 1


@pytest.mark.no_cover
def test_finding_open_holds_costs_the_same_after_many_resolved_ones(
    alice, source, dest, monkeypatch
):
    monkeypatch.setattr(open_holds, "MOST_SEARCHED", 20)
    hold_order(source, dest, 1, actor=alice)
    source.refresh_from_db()
    few = work_of(lambda: list(newest_open(source)[:51]))
    resolve_many_holds(source, dest)
    source.refresh_from_db()

    # Nothing was committed, so the planner has no statistics of these rows.
    many = work_of(lambda: list(newest_open(source)[:51]))

    assert many - few < MANY
