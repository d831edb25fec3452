"""The chart of the balance on an account's page in the admin."""

import pytest

from accounts import services as account_services
from accounts.models import Account, external_account_id
from accounts.tests.admin_pages import page_of
from transfers import services
from transfers.admin import chart
from transfers.admin.chart import HEIGHT, WIDTH, balance_chart
from transfers.tests.orders import transfer_order

pytestmark = pytest.mark.django_db


def corners(line: str) -> list[tuple[float, float]]:
    return [tuple(map(float, point.split(","))) for point in line.split()]


def test_the_line_is_the_balance_after_each_entry(alice, staff, dest, clock, funded_account):
    account = funded_account(alice)
    services.deposit(account_id=account.pk, amount=100, actor=staff)
    clock.go_on(hours=3)
    transfer_order(account, dest, 25, actor=alice)
    clock.go_on(hours=1)
    services.deposit(account_id=account.pk, amount=25, actor=staff)

    drawn = balance_chart(account)

    room = WIDTH - chart.REST
    low = HEIGHT / 4
    assert corners(drawn.line) == [
        (0, HEIGHT),
        (0, HEIGHT),
        (0, 0),
        (room * 0.75, 0),
        (room * 0.75, low),
        (room, low),
        (room, 0),
        (WIDTH, 0),
    ]
    assert (drawn.zero, drawn.highest, drawn.lowest) == (HEIGHT, "1.00\xa0USD", "0.00\xa0USD")
    assert "after the newest 3 entries, from " in drawn.text
    assert "at least 0.75\xa0USD, at most 1.00\xa0USD, at the end 1.00\xa0USD." in drawn.text


def test_the_zero_line_is_above_an_overdraft(alice, staff, dest, funded_account):
    account = funded_account(alice, 100)
    account_services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=100)
    transfer_order(account, dest, 200, actor=alice)
    account.refresh_from_db()

    drawn = balance_chart(account)

    assert (drawn.zero, drawn.lowest) == (HEIGHT / 2, "-1.00\xa0USD")


def test_entries_at_the_same_time_are_drawn_side_by_side(alice, staff, clock, funded_account):
    account = funded_account(alice)
    for _ in range(3):
        services.deposit(account_id=account.pk, amount=1, actor=staff)

    xs = [x for x, _ in corners(balance_chart(account).line)]

    assert xs == sorted(xs)
    assert len(set(xs)) == 5


def test_only_the_newest_entries_are_drawn(alice, staff, funded_account, monkeypatch):
    monkeypatch.setattr(chart, "MOST_POINTS", 2)
    account = funded_account(alice)
    for _ in range(4):
        services.deposit(account_id=account.pk, amount=1, actor=staff)

    drawn = balance_chart(account)

    # Half of the height is the balance of 2 before the first of the two entries.
    assert corners(drawn.line)[0] == (0, HEIGHT / 2)
    assert "after the newest 2 entries, from " in drawn.text


def test_the_page_contains_the_chart_and_its_text(officer, source):
    services.withdraw(account_id=source.pk, amount=1, actor=source.owner)

    html = officer.get(page_of(source)).content.decode()

    text = balance_chart(source).text
    assert f'<desc id="chart-text">{text}</desc>' in html
    assert f"<figcaption>{text}</figcaption>" in html
    assert 'role="img" aria-labelledby="chart-title chart-text"' in html
    # The Content-Security-Policy forbids both.
    assert ("<script>" in html, "style=" in html) == (False, False)


def test_an_account_without_two_entries_and_an_external_account_have_no_chart(
    officer, dest, source
):
    external = Account.objects.get(pk=external_account_id("USD"))
    assert source.entries.count() == 1

    assert [balance_chart(each) for each in (dest, source, external)] == [None] * 3
    assert [b"<figure" in officer.get(page_of(each)).content for each in (source, external)] == [
        *(False, False),
    ]
