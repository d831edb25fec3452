"""The admin's actions that freeze, unfreeze and close accounts."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from accounts import services as account_services
from accounts.admin import acting
from accounts.models import Account, AccountChange, external_account_id
from accounts.tests.admin_pages import changes, messages_of, page_of, table
from transfers import services
from transfers.services import Order

LIST = reverse("admin:accounts_account_changelist")


def act(browser, action: str, *accounts, reason: str = "As asked", **extra: str):
    ids = [str(account.pk) for account in accounts]
    form = {"action": action, "_selected_action": ids, "reason": reason, **extra}
    return browser.post(LIST, form)


def close(browser, *accounts, reason: str = "As asked"):
    return act(browser, "close", *accounts, reason=reason, confirmed="yes")


def test_an_invalid_row_id_is_a_bad_request(officer):
    response = officer.post(LIST, {"action": "freeze", "_selected_action": "none", "reason": "x"})

    assert response.status_code == 400
    assert "This request can&#x27;t be read" in response.content.decode()


def test_accounts_are_frozen_unfrozen_and_closed_with_a_reason(officer, alice, funded_account):
    account = funded_account(alice)

    responses = [
        act(officer, "freeze", account, reason="Card lost"),
        act(officer, "unfreeze", account, reason="Card found"),
        close(officer, account, reason="Moved away"),
    ]

    assert [response["Location"] for response in responses] == [page_of(account)] * 3
    assert messages_of(responses[-1]) == [
        ("success", f"{account} is now frozen."),
        ("success", f"{account} is now unfrozen."),
        ("success", f"{account} is now closed."),
    ]
    assert changes() == [
        ("FREEZE", "OPEN", "FROZEN", "Card lost", "staff"),
        ("UNFREEZE", "FROZEN", "OPEN", "Card found", "staff"),
        ("CLOSE", "OPEN", "CLOSED", "Moved away", "staff"),
    ]


def test_each_refusal_names_its_account_and_the_other_accounts_are_closed(
    officer, alice, bob, funded_account
):
    empty = [funded_account(alice), funded_account(alice)]
    funded = funded_account(bob, 123_456, owner_name="Bob Jones", currency="EUR")
    frozen = funded_account(bob)
    act(officer, "freeze", frozen)

    response = close(officer, *empty, funded, frozen)

    assert response["Location"] == LIST
    assert sorted(messages_of(response)[1:]) == [
        (
            "error",
            f"Bob Jones EUR {funded.pk} couldn't be closed. It has a balance of 1,234.56\xa0EUR, "
            "and 0.00\xa0EUR is held. Move the balance out and resolve its holds first.",
        ),
        ("error", f"bob USD {frozen.pk} couldn't be closed. It is frozen. Unfreeze it first."),
        ("success", "2 accounts are now closed."),
    ]
    now = [Account.objects.get(pk=each.pk).status for each in (*empty, funded, frozen)]
    assert now == ["CLOSED", "CLOSED", "OPEN", "FROZEN"]


def test_an_action_on_too_many_accounts_is_refused(officer, alice, funded_account, monkeypatch):
    monkeypatch.setattr(acting, "MOST_AT_ONCE", 2)

    response = act(officer, "freeze", *(funded_account(alice) for _ in range(3)))

    assert messages_of(response) == [("error", "Nothing was changed. Select at most 2 rows.")]
    assert changes() == []


# ── Closing ──────────────────────────────────────────────────────────────────────────────────────


def test_closing_asks_for_confirmation_and_names_the_account(officer, alice, funded_account):
    account = funded_account(alice, owner_name="Alice Smith")

    asked = act(officer, "close", account)

    assert asked.status_code == 200
    [row] = table(asked, "closable")
    assert row == ["Alice Smith", "USD", "alice", str(account.pk)]
    assert "A closed account can't be reopened." in asked.content.decode()
    assert 'value="As asked"' in asked.content.decode()
    assert (Account.objects.get(pk=account.pk).status, changes()) == ("OPEN", [])


def test_the_confirmation_page_says_why_accounts_cannot_be_closed(
    officer, alice, bob, staff, funded_account
):
    held, order = funded_account(alice, 500), {"amount": 200}
    order |= {"source_id": held.pk, "dest_id": funded_account(bob).pk}
    services.hold(order=Order(**order), expires_in=timedelta(days=1), actor=alice)
    closed = funded_account(alice)
    close(officer, closed)
    external = Account.objects.get(pk=external_account_id("USD"))

    asked = act(officer, "close", held, closed, external)

    rows = {row[1]: row[2] for row in table(asked, "not-closable")}
    assert rows == {
        str(held.pk): "It has a balance of 5.00 USD, and 2.00 USD is held. Move the balance out "
        "and resolve its holds first.",
        str(closed.pk): "It is closed. This can't be undone.",
        str(external.pk): "It is an EXTERNAL account, which can't be changed.",
    }
    assert b'name="confirmed"' not in asked.content


def test_a_deposit_during_the_confirmation_prevents_closing(officer, alice, funded_account):
    account = funded_account(alice)
    act(officer, "close", account)
    services.deposit(account_id=account.pk, amount=1, actor=alice)

    response = close(officer, account)

    [(level, text)] = messages_of(response)
    expected = f"{account} couldn't be closed. It has a balance of 0.01"
    assert (level, expected in text) == ("error", True)
    assert Account.objects.get(pk=account.pk).status == "OPEN"


# ── Reasons and permissions ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_an_action_without_a_valid_reason_changes_nothing(officer, alice, funded_account, reason):
    account = funded_account(alice)

    response = act(officer, "freeze", account, reason=reason)

    expected = "Nothing was changed. Enter a reason of at most 200 characters."
    assert messages_of(response) == [("error", expected)]
    assert (Account.objects.get(pk=account.pk).status, changes()) == ("OPEN", [])


def test_an_external_account_cannot_be_frozen(officer, db):
    external = Account.objects.get(pk=external_account_id("USD"))

    response = act(officer, "freeze", external)

    expected = "It is an EXTERNAL account, which can't be changed."
    assert messages_of(response) == [("error", f"{external} couldn't be frozen. {expected}")]
    assert changes() == []


# For each permission: the changes it allows, the actions that the list and the page offer with it,
# and whether the page has a field for the overdraft limit.
ALLOWED = {
    "accounts.freeze": (["FREEZE", "UNFREEZE"], ["freeze", "unfreeze"], ["freeze"], False),
    "accounts.close_any": (["CLOSE"], ["close"], ["close"], False),
    "accounts.set_limit": (["SET_OVERDRAFT_LIMIT"], [], [], True),
    "accounts.describe_any": ([], [], [], False),
}


@pytest.mark.parametrize("permission", ALLOWED)
def test_each_action_requires_its_own_permission_and_is_offered_only_with_it(
    client, make_user, staff, alice, funded_account, permission
):
    account, frozen, empty = (funded_account(alice) for _ in range(3))
    account_services.freeze(account_id=frozen.pk, actor=staff)
    client.force_login(make_user("accounts.read_any", permission, is_staff=True))
    shown = client.get(page_of(account)).content.decode()
    listed = client.get(LIST).content.decode()

    act(client, "freeze", account)
    act(client, "unfreeze", frozen)
    close(client, empty)
    client.post(page_of(frozen), {"overdraft_limit": "5", "reason": "Salary"})

    recorded = AccountChange.objects.exclude(actor=staff).order_by("pk")
    assert (
        list(recorded.values_list("action", flat=True)),
        re.findall(r'<option value="(freeze|unfreeze|close)">', listed),
        re.findall(r'name="action" value="(\w+)"', shown),
        'name="overdraft_limit"' in shown,
    ) == ALLOWED[permission]


def test_staff_without_the_read_permission_cannot_act_on_accounts(
    client, make_user, alice, funded_account
):
    account = funded_account(alice)
    client.force_login(make_user(*ALLOWED, is_staff=True))

    responses = [
        client.get(LIST),
        client.get(page_of(account)),
        act(client, "freeze", account),
        close(client, account),
        client.post(page_of(account), {"overdraft_limit": "5", "reason": "Salary"}),
    ]

    assert [response.status_code for response in responses] == [403] * 5
    assert changes() == []
