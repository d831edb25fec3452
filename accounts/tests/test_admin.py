"""The admin's pages of accounts and their changes."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts import services
from accounts.admin import pages
from accounts.models import Account, AccountChange, external_account_id
from accounts.tests.admin_pages import (
    action_of,
    column,
    field,
    figure,
    figures,
    menu,
    preview,
    queries_of,
    table,
)

LIST = reverse("admin:accounts_account_changelist")
CHANGES = reverse("admin:accounts_accountchange_changelist")


def page(account) -> str:
    return reverse("admin:accounts_account_change", args=[account.pk])


def test_the_list_shows_the_figures_of_an_account(reader, alice, staff, funded_account):
    account = funded_account(alice, 1_234_567, owner_name="Alice Smith")
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=1_000)

    response = reader.get(LIST, {"q": str(account.pk)})

    names = ("account_shown", "owner", "status_shown")
    assert [column(response, name) for name in names] == [
        [f"Alice Smith {account.pk}"],
        ["alice"],
        ["Open"],
    ]
    assert column(response, "balance_shown") == ["12,345.67 USD"]
    assert column(response, "held_shown") == ["0.00 USD"]
    assert column(response, "available_shown") == ["12,355.67 USD"]


@pytest.mark.parametrize(
    ("currency", "expected"), [("EUR", "1,234.56 EUR"), ("JPY", "123,456 JPY")]
)
def test_list_and_page_show_money_with_the_decimals_of_its_currency(
    reader, alice, funded_account, currency, expected
):
    account = funded_account(alice, 123_456, currency=currency)

    shown = column(reader.get(LIST, {"q": str(account.pk)}), "balance_shown")
    detail = reader.get(page(account))

    assert shown == [expected]
    assert [figure(detail, name) for name in ("balance", "available")] == [expected] * 2


def test_the_page_of_an_account_links_to_its_owner(client, make_user, alice, funded_account):
    path = page(funded_account(alice))
    link = f'<a href="/admin/auth/user/{alice.pk}/change/">alice</a>'

    linked = []
    for rights in (["accounts.read_any", "auth.view_user"], ["accounts.read_any"]):
        client.force_login(make_user(*rights, is_staff=True))
        linked.append(link in client.get(path).text)

    assert linked == [True, False]


def test_the_page_of_an_account_lists_its_changes_with_their_reasons(
    reader, alice, staff, funded_account
):
    account = funded_account(alice)
    services.freeze(account_id=account.pk, actor=staff, reason="Card lost")
    services.unfreeze(account_id=account.pk, actor=staff, reason="Card found")
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=123_456, reason="Salary")

    response = reader.get(page(account))

    assert [row[1:] for row in table(response, "account-changes")] == [
        ["Set overdraft limit", "0.00 USD", "1,234.56 USD", "Salary", "staff"],
        ["Unfreeze", "Frozen", "Open", "Card found", "staff"],
        ["Freeze", "Open", "Frozen", "Card lost", "staff"],
    ]


def test_the_page_of_an_external_account_shows_no_figures_that_would_be_sums(
    reader, alice, funded_account
):
    funded_account(alice, 700)

    response = reader.get(page(Account(pk=external_account_id("USD"))))

    assert figures(response) == []
    assert "trial balance" in response.content.decode()
    assert menu(response) == []


def test_accounts_cannot_be_added_or_deleted_in_the_admin(admin_client, alice, funded_account):
    account = funded_account(alice)

    responses = [
        admin_client.get(reverse("admin:accounts_account_add")),
        admin_client.post(reverse("admin:accounts_account_delete", args=[account.pk])),
        admin_client.get(reverse("admin:accounts_accountchange_add")),
    ]

    assert [response.status_code for response in responses] == [403, 403, 403]
    assert Account.objects.filter(pk=account.pk).exists()


def test_changes_cannot_be_edited_or_deleted(admin_client, alice, staff, funded_account):
    account = funded_account(alice)
    services.freeze(account_id=account.pk, actor=staff, reason="Card lost")
    change = AccountChange.objects.get()

    seen = admin_client.get(reverse("admin:accounts_accountchange_change", args=[change.pk]))
    edited = admin_client.post(
        reverse("admin:accounts_accountchange_change", args=[change.pk]), {"reason": "None"}
    )
    deleted = admin_client.post(
        reverse("admin:accounts_accountchange_delete", args=[change.pk]), {"post": "yes"}
    )

    assert [seen.status_code, edited.status_code, deleted.status_code] == [200, 403, 403]
    assert field(seen, "reason") == "Card lost"
    assert AccountChange.objects.get().reason == "Card lost"


def test_the_lists_offer_no_delete_action(admin_client, rf, admin_user):
    request = rf.get("/")
    request.user = admin_user

    offered = {
        model.__name__: list(admin.site.get_model_admin(model).get_actions(request))
        for model in (Account, AccountChange)
    }

    assert offered == {"Account": ["freeze", "unfreeze", "close"], "AccountChange": []}


def test_staff_without_the_read_permission_get_403(client, newcomer, alice, funded_account):
    account = funded_account(alice)
    client.force_login(newcomer)

    responses = [client.get(path) for path in (LIST, page(account), CHANGES)]

    assert [response.status_code for response in responses] == [403, 403, 403]


def test_an_owner_who_is_not_staff_is_redirected_to_the_login(client, alice):
    client.force_login(alice)

    response = client.get(LIST)

    assert response.status_code == 302
    assert response["Location"] == f"{reverse('admin:login')}?next={LIST}"


def test_three_rows_take_as_many_queries_as_one(reader, alice, staff, funded_account):
    def queries() -> list[int]:
        account = funded_account(alice, 100)
        services.freeze(account_id=account.pk, actor=staff, reason="Audit")
        return [queries_of(reader, path) for path in (f"{LIST}?q=alice", CHANGES, page(account))]

    with_one, _, with_three = queries(), queries(), queries()

    assert with_three == with_one
    assert column(reader.get(CHANGES), "account_shown") == ["alice"] * 3


def test_the_history_of_an_account_redirects_to_its_changes(reader, alice, staff, funded_account):
    account = funded_account(alice)
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=500, reason="Salary")

    history = reader.get(reverse("admin:accounts_account_history", args=[account.pk]), follow=True)

    assert history.redirect_chain == [(f"{CHANGES}?q={account.pk}", 302)]
    names = ("action", "before_shown", "after_shown", "reason", "changed_by")
    assert [column(history, name) for name in names] == [
        ["Set overdraft limit"],
        ["0.00 USD"],
        ["5.00 USD"],
        ["Salary"],
        ["staff"],
    ]
    assert b"historylink" not in reader.get(page(account)).content


@pytest.mark.parametrize("status", ["OPEN", "FROZEN"])
def test_list_and_page_offer_the_actions_that_are_possible(
    admin_client, alice, staff, funded_account, status
):
    account = funded_account(alice)
    if status == "FROZEN":
        services.freeze(account_id=account.pk, actor=staff)

    listed = admin_client.get(LIST, {"q": str(account.pk)}).content.decode()
    shown = menu(admin_client.get(page(account)))

    assert f'name="_selected_action" value="{account.pk}"' in listed
    always = ["Set the overdraft limit", "Close"]
    moving = ["Deposit", "Withdraw", "Transfer"]
    assert shown == {"OPEN": [*moving, "Freeze", *always], "FROZEN": ["Unfreeze", *always]}[status]


def test_the_page_says_at_the_top_why_an_account_is_frozen(reader, alice, staff, funded_account):
    account = funded_account(alice)
    services.freeze(account_id=account.pk, actor=staff, reason="Card lost")
    services.unfreeze(account_id=account.pk, actor=staff, reason="Card found")
    services.freeze(account_id=account.pk, actor=staff, reason="Card lost again")

    html = reader.get(page(account)).content.decode()

    [why] = re.findall(r'id="why">(.*?)</div>', html, re.S)
    assert "<strong>Frozen</strong> by staff on " in why
    assert ": Card lost again</p>" in why
    assert html.index('id="why"') < html.index('id="figures"') < html.index('id="statement"')
    assert 'class="badge badge-bad">Frozen</span>' in html


def test_nothing_is_available_in_a_closed_account_whatever_its_limit(
    officer, alice, staff, funded_account
):
    account = funded_account(alice)
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=150_00)

    before = officer.get(action_of(account, "close"))
    services.close(account_id=account.pk, actor=staff)
    shown, listed = officer.get(page(account)), officer.get(f"{LIST}?status__exact=CLOSED")

    assert preview(before)["alice"]["Available"] == ("150.00 USD", "0.00 USD")
    assert figure(shown, "available") == "0.00 USD"
    assert column(listed, "available_shown") == ["0.00 USD"]


@pytest.mark.parametrize("status", ["CLOSED", "EXTERNAL"])
def test_closed_and_external_accounts_offer_no_actions(
    admin_client, alice, staff, funded_account, status
):
    if status == "CLOSED":
        account = services.close(account_id=funded_account(alice).pk, actor=staff)
    else:
        account = Account.objects.get(pk=external_account_id("USD"))

    listed = admin_client.get(LIST, {"q": str(account.pk)}).content.decode()
    shown = menu(admin_client.get(page(account)))

    assert str(account.pk) in listed
    assert (f'name="_selected_action" value="{account.pk}"' in listed, shown) == (False, [])


def test_a_read_only_overdraft_limit_is_shown_as_money(reader, alice, staff, funded_account):
    account = funded_account(alice)
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=123_456)

    assert figure(reader.get(page(account)), "limit") == "1,234.56 USD"


def test_a_list_stops_counting_at_a_limit(reader, alice, funded_account, monkeypatch):
    monkeypatch.setattr(pages, "MOST_COUNTED", 2)
    for _ in range(3):
        funded_account(alice)

    html = reader.get(LIST, {"q": "alice"}).content.decode()

    assert "more than 2 results" in html
    assert "more than 2 accounts" in html


def test_lists_and_pages_are_titled_by_what_they_show(reader, alice, funded_account):
    account = funded_account(alice)

    titles = [
        re.findall("<title>(.*?)</title>.*<h1>(.*?)</h1>", reader.get(path).content.decode(), re.S)
        for path in (LIST, page(account), CHANGES)
    ]

    assert titles == [
        [("Accounts | Mini Ledger API", "Accounts")],
        [(f"{account} | Account | Mini Ledger API", "Account")],
        [("Account changes | Mini Ledger API", "Account changes")],
    ]
