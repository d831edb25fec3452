"""The admin's actions that freeze, unfreeze and close accounts."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts import services as account_services
from accounts.admin import acting
from accounts.models import Account, AccountChange, external_account_id
from accounts.tests.admin_pages import (
    action_of,
    changes,
    confirm,
    menu,
    messages_of,
    page_of,
    preview,
    refusal,
    table,
)
from transfers import services
from transfers.services import Order

LIST = reverse("admin:accounts_account_changelist")


def select(browser, action: str, *accounts, **extra: str):
    """Choose an action for accounts in the list."""
    ids = [str(account.pk) for account in accounts]
    return browser.post(LIST, {"action": action, "_selected_action": ids, **extra})


def act(browser, action: str, *accounts, reason: str = "As asked"):
    """Choose an action for several accounts and confirm it."""
    return select(browser, action, *accounts, reason=reason, confirmed="yes")


def status_of(account) -> str:
    return Account.objects.get(pk=account.pk).status


def test_an_invalid_row_id_is_a_bad_request(officer):
    response = officer.post(LIST, {"action": "freeze", "_selected_action": "none"})

    assert response.status_code == 400
    assert "This request can&#x27;t be read" in response.content.decode()


def test_an_account_is_frozen_unfrozen_and_closed_with_a_reason(officer, alice, funded_account):
    account = funded_account(alice)
    reasons = {"freeze": "Card lost", "unfreeze": "Card found", "close": "Moved away"}

    responses = [
        confirm(officer, action_of(account, name), reason=reason)
        for name, reason in reasons.items()
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


def test_a_page_shows_what_the_action_does_and_changes_nothing(officer, alice, funded_account):
    account = funded_account(alice, 500)

    asked = officer.get(action_of(account, "freeze"))
    # Without the key of the confirmed form, as if the browser had dropped it.
    sent = officer.post(action_of(account, "freeze"), {"reason": "Card lost"})

    expected = {
        "Status": ("Open", "Frozen"),
        "Balance": ("5.00 USD", "5.00 USD"),
        "Held": ("0.00 USD", "0.00 USD"),
        "Available": ("5.00 USD", "5.00 USD"),
    }
    assert [preview(each) for each in (asked, sent)] == [{"alice": expected}] * 2
    assert (status_of(account), changes()) == ("OPEN", [])
    said = asked.content.decode()
    assert "staff with the permission can reverse transfers from or to it" in said


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_an_action_without_a_valid_reason_changes_nothing(officer, alice, funded_account, reason):
    account = funded_account(alice)

    response = confirm(officer, action_of(account, "freeze"), reason=reason)

    assert list(response.context["form"].errors) == ["reason"]
    assert (status_of(account), changes()) == ("OPEN", [])


def test_an_account_that_must_be_emptied_links_to_what_to_do_first(
    officer, alice, bob, funded_account
):
    account = funded_account(alice, 500, owner_name="Alice Smith")
    order = Order(source_id=account.pk, dest_id=funded_account(bob).pk, amount=200)
    hold = services.hold(order=order, expires_in=timedelta(days=1), actor=alice)

    asked = officer.get(action_of(account, "close"))
    refused = confirm(officer, action_of(account, "close"), reason="Moved away")

    why = "It has a balance of 5.00 USD, and 2.00 USD is held. Both must be zero first."
    assert [refusal(each) for each in (asked, refused)] == [why] * 2
    html = asked.content.decode()
    links = [
        *(f"{action_of(account, name)}?all" for name in ("transfer", "withdraw")),
        *(action_of(hold, name) for name in ("capture", "void")),
    ]
    assert [f'href="{link}"' in html for link in links] == [True] * 4
    assert 'name="form_key"' not in html
    assert status_of(account) == "OPEN"
    filled_in = officer.get(links[0]).context["form"]["amount"].value()
    assert filled_in == "3.00"


def test_a_frozen_account_links_to_unfreezing_before_closing(officer, alice, funded_account):
    account = funded_account(alice)
    confirm(officer, action_of(account, "freeze"), reason="Card lost")

    asked = officer.get(action_of(account, "close"))

    assert refusal(asked) == "It is frozen. Unfreeze it first."
    assert f'href="{action_of(account, "unfreeze")}?all"' in asked.content.decode()


@pytest.mark.parametrize("name", ["freeze", "unfreeze", "limit", "close", "deposit", "withdraw"])
@pytest.mark.parametrize("status", ["CLOSED", "EXTERNAL"])
def test_a_closed_or_external_account_refuses_each_action(
    officer, alice, staff, funded_account, name, status
):
    account = Account.objects.get(pk=external_account_id("USD"))
    if status == "CLOSED":
        account = account_services.close(account_id=funded_account(alice).pk, actor=staff)
    before = changes()

    fields = {"amount": "1", "overdraft_limit": "1", "reason": "As asked"}
    response = confirm(officer, action_of(account, name), **fields)

    asks_for_amount = name in ("limit", "deposit", "withdraw")
    expected = {
        "CLOSED": f"{'The account' if asks_for_amount else 'It'} is closed. This can't be undone.",
        "EXTERNAL": "It is an EXTERNAL account, which can't be changed.",
    }
    assert (refusal(response), changes()) == (expected[status], before)
    for page in (response, officer.get(action_of(account, name))):
        assert refusal(page) == expected[status]
        assert 'id="action-form"' not in page.text


# ── Several accounts ─────────────────────────────────────────────────────────────────────────────


def test_one_selected_account_leads_to_the_page_of_the_action(officer, alice, funded_account):
    account = funded_account(alice)

    assert select(officer, "freeze", account)["Location"] == action_of(account, "freeze")


def test_several_accounts_are_listed_before_they_are_frozen(officer, alice, bob, funded_account):
    accounts = [funded_account(alice), funded_account(bob, 5)]
    closed = funded_account(bob)
    confirm(officer, action_of(closed, "close"), reason="Moved away")

    asked = select(officer, "freeze", *accounts, closed)
    unconfirmed = [status_of(each) for each in accounts]
    without_reason = act(officer, "freeze", *accounts, reason=" ")
    done = act(officer, "freeze", *accounts, reason="Fraud")

    assert sorted(table(asked, "possible")) == sorted(
        [str(each), "Status Open → Frozen"] for each in accounts
    )
    assert table(asked, "refused") == [[str(closed), "It is closed. This can't be undone."]]
    assert list(without_reason.context["form"].errors) == ["reason"]
    assert unconfirmed == ["OPEN", "OPEN"]
    assert messages_of(done)[-1] == ("success", "2 accounts are now frozen.")
    assert [status_of(each) for each in accounts] == ["FROZEN", "FROZEN"]
    assert {each[3] for each in changes()[1:]} == {"Fraud"}


def test_each_refusal_names_its_account_and_the_other_accounts_are_closed(
    officer, alice, bob, funded_account
):
    empty = [funded_account(alice), funded_account(alice)]
    funded = funded_account(bob, 123_456, owner_name="Bob Jones", currency="EUR")

    response = act(officer, "close", *empty, funded)

    assert response["Location"] == LIST
    assert sorted(messages_of(response)) == [
        (
            "error",
            f"Bob Jones EUR {funded.pk} couldn't be closed. It has a balance of 1,234.56\xa0EUR, "
            "and 0.00\xa0EUR is held. Both must be zero first.",
        ),
        ("success", "2 accounts are now closed."),
    ]
    assert [status_of(each) for each in (*empty, funded)] == ["CLOSED", "CLOSED", "OPEN"]


def test_an_action_on_too_many_accounts_is_refused(officer, alice, funded_account, monkeypatch):
    monkeypatch.setattr(acting, "MOST_AT_ONCE", 2)

    response = act(officer, "freeze", *(funded_account(alice) for _ in range(3)))

    assert messages_of(response) == [("error", "Nothing was changed. Select at most 2 rows.")]
    assert changes() == []


# ── Permissions ──────────────────────────────────────────────────────────────────────────────────

# For each permission: the labels in the menu, the pages that open with it, and the bulk actions.
ALLOWED = {
    "accounts.freeze": (["Freeze"], ["freeze", "unfreeze"], ["freeze", "unfreeze"]),
    "accounts.close_any": (["Close"], ["close"], ["close"]),
    "accounts.set_limit": (["Set the overdraft limit"], ["limit"], []),
    "accounts.describe_any": ([], [], []),
    "transfers.move_cash": (["Deposit", "Withdraw"], ["deposit", "withdraw"], []),
    "transfers.move_any": (["Transfer"], ["transfer"], []),
}
PAGES = ["freeze", "unfreeze", "close", "limit", "deposit", "withdraw", "transfer"]


@pytest.mark.parametrize("permission", ALLOWED)
def test_each_action_requires_its_own_permission_and_is_offered_only_with_it(
    client, make_user, alice, funded_account, permission
):
    account, other = funded_account(alice, 100), funded_account(alice)
    client.force_login(make_user("accounts.read_any", permission, is_staff=True))
    offered = menu(client.get(page_of(account)))
    listed = client.get(LIST).content.decode()

    opened = [name for name in PAGES if client.get(action_of(account, name)).status_code == 200]
    fields = {"amount": "1", "dest": other.pk, "overdraft_limit": "5", "reason": "As asked"}
    statuses = {
        name: confirm(client, action_of(account, name), **fields).status_code for name in PAGES
    }

    bulk = [name for name in ("freeze", "unfreeze", "close") if f'value="{name}"' in listed]
    assert (offered, sorted(opened), bulk) == (
        ALLOWED[permission][0],
        sorted(ALLOWED[permission][1]),
        ALLOWED[permission][2],
    )
    assert [name for name, status in statuses.items() if status == 403] == [
        name for name in PAGES if name not in opened
    ]


def test_staff_without_the_read_permission_cannot_act_on_accounts(
    client, make_user, alice, funded_account
):
    account = funded_account(alice)
    client.force_login(make_user(*ALLOWED, is_staff=True))

    responses = [
        client.get(LIST),
        client.get(page_of(account)),
        act(client, "freeze", account, account),
        *(client.get(action_of(account, name)) for name in PAGES),
        *(confirm(client, action_of(account, name), reason="As asked") for name in PAGES),
    ]

    assert {response.status_code for response in responses} == {403}
    assert AccountChange.objects.count() == 0
