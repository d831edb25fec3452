"""What staff do to accounts in the admin: always through the services, always with a reason."""

import pytest
from django.urls import reverse

from accounts.models import Account, AccountChange, external_account_id
from accounts.tests.admin_pages import allow, said
from transfers import services
from transfers.services import Order

LIST = reverse("admin:accounts_account_changelist")


@pytest.fixture
def officer(client, staff):
    """A browser in which staff are logged in who may change accounts."""
    client.force_login(allow(staff, "change_account"))
    return client


def page(account) -> str:
    return reverse("admin:accounts_account_change", args=[account.pk])


def act(browser, action: str, *accounts, reason: str = "As asked"):
    ids = [str(account.pk) for account in accounts]
    return browser.post(LIST, {"action": action, "_selected_action": ids, "reason": reason})


def changes() -> list[tuple]:
    recorded = AccountChange.objects.order_by("pk")
    return list(recorded.values_list("action", "before", "after", "reason", "actor__username"))


def test_an_account_is_frozen_unfrozen_and_closed_with_a_reason(officer, alice, funded_account):
    account = funded_account(alice)

    answers = [
        act(officer, "freeze", account, reason="Card lost"),
        act(officer, "unfreeze", account, reason="Card found"),
        act(officer, "close", account, reason="Moved away"),
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


def test_a_refusal_is_shown_and_the_others_are_done(officer, alice, funded_account):
    empty, funded = funded_account(alice), funded_account(alice, 1)

    answer = act(officer, "close", empty, funded)

    assert answer["Location"] == LIST
    assert sorted(said(answer)) == [
        (
            "error",
            f"Account {funded.pk} still has a balance or a hold. Move the balance out and "
            "resolve its holds, then close it.",
        ),
        ("success", f"{empty} is closed."),
    ]
    assert [Account.objects.get(pk=each.pk).status for each in (empty, funded)] == [
        "CLOSED",
        "OPEN",
    ]


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

    expected = f"No account {external.pk} is open to you. Check the id."
    assert said(answer) == [("error", expected)]
    assert changes() == []


def test_the_overdraft_limit_is_set_by_the_service_and_recorded(officer, alice, funded_account):
    account = funded_account(alice, 300)

    answer = officer.post(page(account), {"overdraft_limit": "5000", "reason": "Salary"})

    account.refresh_from_db()
    assert answer["Location"] == page(account)
    assert (account.overdraft_limit, account.balance) == (5000, 300)
    assert changes() == [("SET_OVERDRAFT_LIMIT", "0", "5000", "Salary", "staff")]


def test_no_other_field_of_an_account_can_be_sent(officer, alice, bob, funded_account):
    account = funded_account(alice, 300)
    others = {"balance": "9999", "held": "1", "status": "CLOSED", "currency": "EUR"}
    form = {**others, "owner": bob.pk, "owner_name": "Bob", "overdraft_limit": "1", "reason": "?"}

    officer.post(page(account), form)

    now = Account.objects.get(pk=account.pk)
    assert (now.balance, now.held, now.status, now.currency) == (300, 0, "OPEN", "USD")
    assert (now.owner, now.owner_name, now.overdraft_limit) == (alice, "alice", 1)


def test_setting_the_limit_never_writes_back_a_balance_read_before(officer, alice, funded_account):
    account = funded_account(alice, 300)
    officer.get(page(account))
    services.deposit(account_id=account.pk, amount=50, actor=alice)

    officer.post(page(account), {"overdraft_limit": "10", "reason": "Salary"})

    account.refresh_from_db()
    assert (account.balance, account.version, account.overdraft_limit) == (350, 2, 10)


def test_a_limit_below_what_is_owed_is_refused_with_the_figures(
    officer, alice, bob, funded_account
):
    account, other = funded_account(alice), funded_account(bob)
    officer.post(page(account), {"overdraft_limit": "500", "reason": "Salary"})
    order = Order(source_id=account.pk, dest_id=other.pk, amount=400)
    services.transfer(order=order, actor=alice)

    answer = officer.post(page(account), {"overdraft_limit": "399", "reason": "Lower"})

    expected = (
        f"Account {account.pk} already uses 400 of its overdraft. Set the limit to at least that."
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


def test_who_may_only_look_cannot_act(client, staff, alice, funded_account):
    account = funded_account(alice)
    client.force_login(allow(staff, "view_account"))

    acted = act(client, "freeze", account)
    limited = client.post(page(account), {"overdraft_limit": "5", "reason": "Salary"})

    assert said(acted) == []
    assert limited.status_code == 403
    assert b'name="_selected_action"' not in client.get(page(account)).content
    assert (Account.objects.get(pk=account.pk).status, changes()) == ("OPEN", [])
