"""What staff do to accounts in the admin: always through the services, always with a reason."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from accounts import services as account_services
from accounts.admin import acting
from accounts.models import Account, AccountChange, external_account_id
from accounts.tests.admin_pages import said, table
from transfers import services
from transfers.services import Order

LIST = reverse("admin:accounts_account_changelist")


@pytest.fixture
def officer(client, staff):
    """A browser in which staff are logged in who may change accounts."""
    client.force_login(staff)
    return client


def page(account) -> str:
    return reverse("admin:accounts_account_change", args=[account.pk])


def act(browser, action: str, *accounts, reason: str = "As asked", **extra: str):
    ids = [str(account.pk) for account in accounts]
    form = {"action": action, "_selected_action": ids, "reason": reason, **extra}
    return browser.post(LIST, form)


def close(browser, *accounts, reason: str = "As asked"):
    return act(browser, "close", *accounts, reason=reason, confirmed="yes")


def test_an_invalid_row_id_is_a_bad_request(officer):
    answer = officer.post(LIST, {"action": "freeze", "_selected_action": "none", "reason": "x"})

    assert answer.status_code == 400
    assert "This request can&#x27;t be read" in answer.content.decode()


def changes() -> list[tuple]:
    recorded = AccountChange.objects.order_by("pk")
    return list(recorded.values_list("action", "before", "after", "reason", "actor__username"))


def test_an_account_is_frozen_unfrozen_and_closed_with_a_reason(officer, alice, funded_account):
    account = funded_account(alice)

    answers = [
        act(officer, "freeze", account, reason="Card lost"),
        act(officer, "unfreeze", account, reason="Card found"),
        close(officer, account, reason="Moved away"),
    ]

    assert [answer["Location"] for answer in answers] == [page(account)] * 3
    assert said(answers[-1]) == [
        ("success", f"{account} is frozen."),
        ("success", f"{account} is open."),
        ("success", f"{account} is closed."),
    ]
    assert changes() == [
        ("FREEZE", "OPEN", "FROZEN", "Card lost", "staff"),
        ("UNFREEZE", "FROZEN", "OPEN", "Card found", "staff"),
        ("CLOSE", "OPEN", "CLOSED", "Moved away", "staff"),
    ]


def test_each_refusal_names_its_account_and_the_others_are_done_and_counted(
    officer, alice, bob, funded_account
):
    empty = [funded_account(alice), funded_account(alice)]
    funded = funded_account(bob, 123_456, owner_name="Bob Jones", currency="EUR")
    frozen = funded_account(bob)
    act(officer, "freeze", frozen)

    answer = close(officer, *empty, funded, frozen)

    assert answer["Location"] == LIST
    assert sorted(said(answer)[1:]) == [
        (
            "error",
            f"Bob Jones EUR {funded.pk} is not closed. It has a balance of 1,234.56\xa0EUR, and "
            "0.00\xa0EUR held. Move the balance out and resolve its holds first.",
        ),
        ("error", f"bob USD {frozen.pk} is not closed. It is frozen: unfreeze it first."),
        ("success", "2 accounts are closed."),
    ]
    now = [Account.objects.get(pk=each.pk).status for each in (*empty, funded, frozen)]
    assert now == ["CLOSED", "CLOSED", "OPEN", "FROZEN"]


def test_more_accounts_than_a_page_shows_are_not_acted_on_at_once(
    officer, alice, funded_account, monkeypatch
):
    monkeypatch.setattr(acting, "MOST_AT_ONCE", 2)

    answer = act(officer, "freeze", *(funded_account(alice) for _ in range(3)))

    assert said(answer) == [("error", "Select at most 2 at once. Nothing was changed.")]
    assert changes() == []


# ── Closing ──────────────────────────────────────────────────────────────────────────────────────


def test_closing_asks_first_and_names_the_account(officer, alice, funded_account):
    account = funded_account(alice, owner_name="Alice Smith")

    asked = act(officer, "close", account)

    assert asked.status_code == 200
    [row] = table(asked, "closable")
    assert row == ["Alice Smith", "USD", "alice", str(account.pk)]
    assert "never opened again" in asked.content.decode()
    assert 'value="As asked"' in asked.content.decode()
    assert (Account.objects.get(pk=account.pk).status, changes()) == ("OPEN", [])


def test_what_cannot_be_closed_is_said_before_it_is_asked(
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
        str(held.pk): "It has a balance of 5.00 USD, and 2.00 USD held. Move the balance out and "
        "resolve its holds first.",
        str(closed.pk): "It is closed for good.",
        str(external.pk): "It is the outside world's, about which nothing can be changed.",
    }
    assert b'name="confirmed"' not in asked.content


def test_what_was_paid_in_while_staff_were_asked_keeps_the_account_open(
    officer, alice, funded_account
):
    account = funded_account(alice)
    act(officer, "close", account)
    services.deposit(account_id=account.pk, amount=1, actor=alice)

    answer = close(officer, account)

    [(level, text)] = said(answer)
    assert (level, f"{account} is not closed. It has a balance of 0.01" in text) == ("error", True)
    assert Account.objects.get(pk=account.pk).status == "OPEN"


# ── Reasons and rights ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_nothing_is_done_without_a_reason(officer, alice, funded_account, reason):
    account = funded_account(alice)

    answer = act(officer, "freeze", account, reason=reason)

    expected = "Give a reason, in at most 200 characters. Nothing was changed."
    assert said(answer) == [("error", expected)]
    assert (Account.objects.get(pk=account.pk).status, changes()) == ("OPEN", [])


def test_the_outside_world_cannot_be_frozen(officer, db):
    external = Account.objects.get(pk=external_account_id("USD"))

    answer = act(officer, "freeze", external)

    expected = "It is the outside world's, about which nothing can be changed."
    assert said(answer) == [("error", f"{external} is not frozen. {expected}")]
    assert changes() == []


def test_the_overdraft_limit_is_set_by_the_service_and_recorded(officer, alice, funded_account):
    account = funded_account(alice, 300)

    answer = officer.post(page(account), {"overdraft_limit": "1500.5", "reason": "Salary"})

    account.refresh_from_db()
    assert answer["Location"] == page(account)
    assert (account.overdraft_limit, account.balance) == (1500_50, 300)
    assert changes() == [("SET_OVERDRAFT_LIMIT", "0", "150050", "Salary", "staff")]
    assert said(answer) == [("success", f"The overdraft limit of {account} is 1,500.50\xa0USD.")]
    assert LogEntry.objects.count() == 0, "there is one record of it"


@pytest.mark.parametrize(
    ("currency", "typed", "limit"), [("USD", "12.34", 12_34), ("JPY", "1234", 1_234)]
)
def test_the_limit_is_typed_and_shown_in_the_unit_that_the_field_names(
    officer, alice, funded_account, currency, typed, limit
):
    account = funded_account(alice, currency=currency)

    officer.post(page(account), {"overdraft_limit": typed, "reason": "Salary"})
    html = officer.get(page(account)).content.decode()

    assert Account.objects.get(pk=account.pk).overdraft_limit == limit
    assert f"Overdraft limit in {currency}:" in html
    assert re.findall('name="overdraft_limit" value="([^"]*)"', html) == [typed]


@pytest.mark.parametrize(
    ("currency", "typed", "message"),
    [
        ("USD", "12.345", "An amount in USD has at most 2 decimals. Write 1500.00 for 1,500 USD."),
        ("JPY", "12.5", "An amount in JPY has no decimals. Write 1500 for 1,500 JPY."),
        ("USD", "1,500", "Write digits, and a point before the decimals. Write 1500.00 for 1,500"),
        ("USD", "90071992547409.92", "The limit can be at most 90,071,992,547,409.91 USD."),
    ],
)
def test_a_limit_that_could_be_misread_is_refused_and_said_how_to_write_it(
    officer, alice, funded_account, currency, typed, message
):
    account = funded_account(alice, currency=currency)

    answer = officer.post(page(account), {"overdraft_limit": typed, "reason": "Salary"})

    [error] = answer.context["adminform"].form.errors["overdraft_limit"]
    assert error.startswith(message)
    assert f'value="{typed}"' in answer.content.decode()
    assert (Account.objects.get(pk=account.pk).overdraft_limit, changes()) == (0, [])


def test_no_other_field_of_an_account_can_be_sent(officer, alice, bob, funded_account):
    account = funded_account(alice, 300)
    others = {"balance": "9999", "held": "1", "status": "CLOSED", "currency": "EUR"}
    form = {**others, "owner": bob.pk, "owner_name": "Bob", "overdraft_limit": "1", "reason": "?"}

    officer.post(page(account), form)

    now = Account.objects.get(pk=account.pk)
    assert (now.balance, now.held, now.status, now.currency) == (300, 0, "OPEN", "USD")
    assert (now.owner, now.owner_name, now.overdraft_limit) == (alice, "alice", 1_00)


def test_setting_the_limit_never_writes_back_a_balance_read_before(officer, alice, funded_account):
    account = funded_account(alice, 300)
    officer.get(page(account))
    services.deposit(account_id=account.pk, amount=50, actor=alice)

    officer.post(page(account), {"overdraft_limit": "10", "reason": "Salary"})

    account.refresh_from_db()
    assert (account.balance, account.version, account.overdraft_limit) == (350, 2, 10_00)


def test_a_limit_below_what_is_owed_is_refused_with_the_figures(
    officer, alice, bob, funded_account
):
    account, other = funded_account(alice), funded_account(bob)
    officer.post(page(account), {"overdraft_limit": "5", "reason": "Salary"})
    order = Order(source_id=account.pk, dest_id=other.pk, amount=400)
    services.transfer(order=order, actor=alice)

    answer = officer.post(page(account), {"overdraft_limit": "3.99", "reason": "Lower"})

    expected = (
        f"The limit of {account} is unchanged. It uses 4.00\xa0USD of its overdraft already. Set "
        "the limit to at least that."
    )
    assert said(answer)[-1] == ("error", expected)
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
def test_a_form_that_makes_no_sense_is_shown_again(officer, alice, funded_account, form):
    account = funded_account(alice)

    answer = officer.post(page(account), form)

    assert (answer.status_code, len(answer.context["errors"])) == (200, 1)
    assert (Account.objects.get(pk=account.pk).overdraft_limit, changes()) == (0, [])


# What is done with each permission, as it is recorded; and what the list and the page offer for it.
DEEDS = {
    "accounts.freeze": (["FREEZE", "UNFREEZE"], ["freeze", "unfreeze"], ["freeze"], False),
    "accounts.close_any": (["CLOSE"], ["close"], ["close"], False),
    "accounts.set_limit": (["SET_OVERDRAFT_LIMIT"], [], [], True),
    "accounts.describe_any": ([], [], [], False),
}


@pytest.mark.parametrize("permission", DEEDS)
def test_each_deed_needs_its_own_permission_and_is_offered_to_nobody_else(
    client, make_user, staff, alice, funded_account, permission
):
    account, frozen, empty = (funded_account(alice) for _ in range(3))
    account_services.freeze(account_id=frozen.pk, actor=staff)
    client.force_login(make_user("accounts.read_any", permission, is_staff=True))
    shown = client.get(page(account)).content.decode()
    listed = client.get(LIST).content.decode()

    act(client, "freeze", account)
    act(client, "unfreeze", frozen)
    close(client, empty)
    client.post(page(frozen), {"overdraft_limit": "5", "reason": "Salary"})

    done = AccountChange.objects.exclude(actor=staff).order_by("pk")
    assert (
        list(done.values_list("action", flat=True)),
        re.findall(r'<option value="(freeze|unfreeze|close)">', listed),
        re.findall(r'name="action" value="(\w+)"', shown),
        'name="overdraft_limit"' in shown,
    ) == DEEDS[permission]


def test_who_may_not_see_an_account_can_do_nothing_to_it(client, make_user, alice, funded_account):
    account = funded_account(alice)
    client.force_login(make_user(*DEEDS, is_staff=True))

    answers = [
        client.get(LIST),
        client.get(page(account)),
        act(client, "freeze", account),
        close(client, account),
        client.post(page(account), {"overdraft_limit": "5", "reason": "Salary"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert changes() == []
