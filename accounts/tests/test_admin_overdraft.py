"""The admin's page that sets an account's overdraft limit."""

import re

import pytest
from django.contrib.admin.models import LogEntry

from accounts.models import Account
from accounts.tests.admin_pages import (
    action_of,
    changes,
    confirm,
    messages_of,
    page_of,
    preview,
    refusal,
)
from transfers import services
from transfers.services import Order


def page(account) -> str:
    return action_of(account, "limit")


def test_the_overdraft_limit_is_set_through_the_service_and_recorded(
    officer, alice, funded_account
):
    account = funded_account(alice, 300)

    response = confirm(officer, page(account), overdraft_limit="1500.5", reason="Salary")

    account.refresh_from_db()
    assert response["Location"] == page_of(account)
    assert (account.overdraft_limit, account.balance) == (1500_50, 300)
    assert changes() == [("SET_OVERDRAFT_LIMIT", "0", "150050", "Salary", "staff")]
    assert messages_of(response) == [
        ("success", f"The overdraft limit of {account} is now 1,500.50\xa0USD.")
    ]
    assert LogEntry.objects.count() == 0, "the service's record is the only one"


@pytest.mark.parametrize(
    ("currency", "typed", "limit"), [("USD", "12.34", 12_34), ("JPY", "1234", 1_234)]
)
def test_the_limit_is_entered_and_shown_in_the_unit_named_by_the_label(
    officer, alice, funded_account, currency, typed, limit
):
    account = funded_account(alice, currency=currency)

    confirm(officer, page(account), overdraft_limit=typed, reason="Salary")
    html = officer.get(page(account)).content.decode()

    assert Account.objects.get(pk=account.pk).overdraft_limit == limit
    assert f"Overdraft limit in {currency}:" in html
    assert re.findall('name="overdraft_limit" value="([^"]*)"', html) == [typed]


@pytest.mark.parametrize(
    ("currency", "typed", "message"),
    [
        ("USD", "12.345", "An amount in USD has at most 2 decimals. Enter 1500.00 for 1,500 USD."),
        ("JPY", "12.5", "An amount in JPY has no decimals. Enter 1500 for 1,500 JPY."),
        ("USD", "1,500", "Use only digits, and a point before the decimals. Enter 1500.00 for"),
        ("USD", "90071992547409.92", "The amount can be at most 90,071,992,547,409.91 USD."),
    ],
)
def test_an_ambiguous_limit_is_refused_with_an_example(
    officer, alice, funded_account, currency, typed, message
):
    account = funded_account(alice, currency=currency)

    response = confirm(officer, page(account), overdraft_limit=typed, reason="Salary")

    [error] = response.context["form"].errors["overdraft_limit"]
    assert error.startswith(message)
    assert f'value="{typed}"' in response.content.decode()
    assert (Account.objects.get(pk=account.pk).overdraft_limit, changes()) == (0, [])


def test_other_fields_in_the_form_are_ignored(officer, alice, bob, funded_account):
    account = funded_account(alice, 300)
    others = {"balance": "9999", "held": "1", "status": "CLOSED", "currency": "EUR"}
    form = {**others, "owner": bob.pk, "owner_name": "Bob", "overdraft_limit": "1", "reason": "?"}

    confirm(officer, page(account), **form)

    now = Account.objects.get(pk=account.pk)
    assert (now.balance, now.held, now.status, now.currency) == (300, 0, "OPEN", "USD")
    assert (now.owner, now.owner_name, now.overdraft_limit) == (alice, "alice", 1_00)


def test_setting_the_limit_never_overwrites_a_newer_balance(officer, alice, funded_account):
    account = funded_account(alice, 300)
    officer.get(page(account))
    services.deposit(account_id=account.pk, amount=50, actor=alice)

    confirm(officer, page(account), overdraft_limit="10", reason="Salary")

    account.refresh_from_db()
    assert (account.balance, account.version, account.overdraft_limit) == (350, 2, 10_00)


def test_a_limit_below_the_overdraft_in_use_is_refused_with_the_amount(
    officer, alice, bob, funded_account
):
    account, other = funded_account(alice), funded_account(bob)
    confirm(officer, page(account), overdraft_limit="5", reason="Salary")
    order = Order(source_id=account.pk, dest_id=other.pk, amount=400)
    services.transfer(order=order, actor=alice)

    response = confirm(officer, page(account), overdraft_limit="3.99", reason="Lower")

    expected = "It already uses 4.00 USD of its overdraft. Set a limit of at least that."
    assert refusal(response) == expected
    assert Account.objects.get(pk=account.pk).overdraft_limit == 500
    assert len(changes()) == 1


@pytest.mark.parametrize(
    "form",
    [
        {"overdraft_limit": "-1", "reason": "Salary"},
        {"overdraft_limit": "9007199254740992", "reason": "Salary"},
        {"overdraft_limit": "many", "reason": "Salary"},
        {"overdraft_limit": "5", "reason": ""},
        {"overdraft_limit": "5", "reason": "x" * 201},
    ],
)
def test_an_invalid_form_is_shown_again(officer, alice, funded_account, form):
    account = funded_account(alice)

    response = confirm(officer, page(account), **form)

    assert (response.status_code, len(response.context["form"].errors)) == (200, 1)
    assert (Account.objects.get(pk=account.pk).overdraft_limit, changes()) == (0, [])


def test_the_preview_shows_the_limit_and_what_becomes_available(officer, alice, funded_account):
    account = funded_account(alice, 300)

    asked = officer.post(page(account), {"overdraft_limit": "5", "reason": "Salary"})

    figures = preview(asked)["alice"]
    assert figures["Overdraft limit"] == ("0.00 USD", "5.00 USD")
    assert figures["Available"] == ("3.00 USD", "8.00 USD")
    assert (Account.objects.get(pk=account.pk).overdraft_limit, changes()) == (0, [])
