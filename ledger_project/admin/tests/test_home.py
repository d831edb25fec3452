"""The home page of the admin: its panels, the groups of tables, and their cost."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.admin import home
from accounts.models import Account
from accounts.tests.admin_pages import text_of
from audit import verdict
from audit.ledger import check_ledger
from database import guards
from ledger_project.idempotency.models import IdempotencyKey
from transfers import clock, services
from transfers.services import Order
from transfers.tests.filled import fill, open_accounts, work_of

HOME = "/admin/"
WEEK = timedelta(days=7)


def panels(response) -> dict[str, str]:
    """Return the text of each panel of the home page, by its title."""
    found = re.findall(
        r'<section class="module panel".*?<h2[^>]*>(.*?)</h2>(.*?)</section>',
        response.content.decode(),
        re.S,
    )
    return {title: re.sub(r"\s+", " ", text_of(html)) for title, html in found}


def hold(source, dest, memo, expires_in=WEEK):
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=5_00, memo=memo)
    return services.hold(order=order, expires_in=expires_in, actor=source.owner)


def test_the_panels_are_shown_in_order(browser):
    assert list(panels(browser.get(HOME))) == [
        "Trial balance",
        "Events per day",
        "Holds that expire next",
        "Newest refusals",
    ]


def test_the_trial_balance_of_a_small_ledger_is_current(browser, alice, funded_account):
    funded_account(alice, 1_234_56)
    funded_account(alice, 500, currency="JPY")

    panel = panels(browser.get(HOME))["Trial balance"]

    assert "The books are in order" in panel
    assert "USD 1,234.56 -1,234.56 0.00 0.00" in panel
    assert "JPY 500 -500 0 0" in panel


def test_each_currency_with_money_has_a_chart_of_the_customers_balances(
    browser, alice, funded_account
):
    account = funded_account(alice, 1_234_56)
    funded_account(alice, 500, currency="JPY")
    services.withdraw(account_id=account.pk, amount=34_56, actor=alice)

    response = browser.get(HOME)

    panel = panels(response)["Trial balance"].replace("\N{NO-BREAK SPACE}", " ")
    assert "1,200.00 USD from 0.00 USD to 1,200.00 USD" in panel
    assert "500 JPY from 0 JPY to 500 JPY" in panel
    assert f"{clock.now():%Y-%m-%d}5001,200.00" in panel, "the table has the same figures"
    assert response.content.decode().count('<svg class="steps"') == 2


def test_a_check_that_fails_is_named_with_an_example(browser, alice, funded_account):
    account = funded_account(alice, 700)
    guards.drop(connection)
    Account.objects.filter(pk=account.pk).update(balance=701)

    panel = panels(browser.get(HOME))["Trial balance"]

    assert "checks failed" in panel
    assert "USD 7.01 -7.00 0.01" in panel
    assert f"{account.pk}: balance 701" in panel


def test_the_trial_balance_of_a_larger_ledger_is_that_of_the_last_audit(
    browser, alice, funded_account, monkeypatch, clock
):
    monkeypatch.setattr(verdict, "AT_HOME", 1)
    account = funded_account(alice, 700)
    never = panels(browser.get(HOME))["Trial balance"]
    verdict.store(check_ledger())
    audited = clock.now
    clock.go_on(hours=1)
    services.deposit(account_id=account.pk, amount=1, actor=User.objects.get(username="teller"))

    recent = panels(browser.get(HOME))["Trial balance"]
    clock.go_on(hours=verdict.MAX_AGE_HOURS)
    old = panels(browser.get(HOME))["Trial balance"]

    assert never.startswith("Not verified yet Run manage.py verify_ledger")
    assert "The books are in order" in recent
    assert f"at {audited:%Y-%m-%d %H:%M:%S} UTC" in recent
    assert "USD 7.00 -7.00 0.00" in recent
    assert "Not verified in the last 48 hours" in old


def test_pending_holds_are_listed_by_their_expiry(browser, alice, bob, funded_account):
    source, dest = funded_account(alice, 100_00), funded_account(bob, owner_name="Bob Jones")
    hold(source, dest, "later", WEEK)
    hold(source, dest, "first", timedelta(days=1))
    services.void(hold_id=hold(source, dest, "voided", timedelta(hours=1)).pk, actor=alice)
    with clock.at(clock.now() - WEEK):
        hold(source, dest, "expired", timedelta(days=1))

    response = browser.get(HOME)

    panel = panels(response)["Holds that expire next"]
    dates = re.findall(r"\d{4}-\d\d-\d\d", panel)
    assert len(dates) == 2
    assert dates == sorted(dates)
    assert panel.count("5.00 USD alice Bob Jones") == 2


def test_the_newest_refusals_are_listed_with_their_code(browser, api, alice, funded_account):
    account = funded_account(alice, 1)
    path = f"/accounts/{account.pk}/withdraw"
    api.post(path, {"amount": 5})
    api.post(path, {"amount": 1})

    panel = panels(browser.get(HOME))["Newest refusals"]

    assert f"409 insufficient_funds alice POST {path}" in panel
    assert panel.count("POST") == 1
    assert "available" not in panel, "the stored response belongs to its user"


def test_staff_without_permissions_see_no_panels_and_no_tables(client, newcomer):
    client.force_login(newcomer)

    response = client.get(HOME)

    assert panels(response) == {}
    assert response.context["groups"] == []
    assert "You don't have permission to view anything." in response.content.decode()


def test_tables_are_listed_in_groups_by_what_they_are_for(admin_client):
    response = admin_client.get(HOME)

    groups = {
        group["name"]: [str(table["name"]) for table in group["tables"]]
        for group in response.context["groups"]
    }
    assert list(groups) == ["Ledger", "Requests and events", "Access"]
    assert groups["Ledger"] == [
        "Accounts",
        "Transfers",
        "Approvals",
        "Ledger entries",
        "Account changes",
    ]
    assert groups["Requests and events"] == [
        "Idempotency keys",
        "Events",
        "Webhooks",
        "Webhook deliveries",
    ]
    assert groups["Access"] == ["Users", "Groups", "Service keys"]


def test_an_app_can_add_a_panel(browser, monkeypatch):
    monkeypatch.setattr(home, "_panels", [*home._panels])

    @home.home_panel(order=35, title="Approvals", template="admin/idempotency/refusals.html")
    def approvals(request):
        return {"rows": [], "recent": 12} if request.user.username == "support" else None

    shown = panels(browser.get(HOME))

    assert list(shown)[3:] == ["Approvals", "Newest refusals"]
    assert "None among the newest 12 requests." in shown["Approvals"]


@pytest.mark.no_cover
def test_the_home_page_of_a_larger_ledger_reads_no_more_rows(browser, alice, monkeypatch):
    monkeypatch.setattr(verdict, "AT_HOME", 100)
    accounts = open_accounts(alice, 10)

    def add(count: int, days_ago: int) -> None:
        fill(accounts, count, days_ago=days_ago)
        IdempotencyKey.objects.insert(
            [
                IdempotencyKey(
                    user=alice, key=f"{days_ago}-{n}", method="POST", path="/", relied_on=""
                )
                for n in range(count)
            ]
        )

    def queries_and_work() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            work = work_of(lambda: browser.get(HOME))
        return len(queries), work

    browser.get(HOME)
    add(2_000, days_ago=30)
    smaller = queries_and_work()
    add(8_000, days_ago=20)
    larger = queries_and_work()

    assert larger[0] == smaller[0] < 30
    # Finding the first event of each day takes a few more look-ups in a longer log.
    assert larger[1] < smaller[1] + 7_000
