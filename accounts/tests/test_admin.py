"""What staff see of accounts in the admin, and what they don't."""

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts import services
from accounts.models import Account, AccountChange, external_account_id
from accounts.tests.admin_pages import allow, column, field, queries_of, table

LIST = reverse("admin:accounts_account_changelist")
CHANGES = reverse("admin:accounts_accountchange_changelist")


def page(account) -> str:
    return reverse("admin:accounts_account_change", args=[account.pk])


@pytest.fixture
def reader(client, staff):
    """A browser in which staff are logged in who may look at everything and change nothing."""
    client.force_login(allow(staff, "view_account", "view_accountchange", "view_ledgerentry"))
    return client


def found(response) -> list:
    return [account.pk for account in response.context["cl"].result_list]


def test_the_list_shows_the_figures_of_an_account(reader, alice, staff, funded_account):
    account = funded_account(alice, 1_234_567, owner_name="Alice Smith")
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=1_000)

    response = reader.get(LIST, {"q": str(account.pk)})

    names = ("owner", "owner_name", "currency", "status", "whole_id")
    assert [column(response, name) for name in names] == [
        ["alice"],
        ["Alice Smith"],
        ["USD"],
        ["Open"],
        [str(account.pk)],
    ]
    assert column(response, "balance_shown") == ["1,234,567 USD"]
    assert column(response, "held_shown") == ["0 USD"]
    assert column(response, "available_shown") == ["1,235,567 USD"]


def test_an_account_is_found_by_its_id_its_owner_and_its_name(reader, alice, bob, funded_account):
    wanted = funded_account(alice, owner_name="Alice Smith")
    funded_account(bob, owner_name="Bob Jones")

    terms = (str(wanted.pk), f" {str(wanted.pk).upper()} ", "alice", "smith", "nobody")
    results = [found(reader.get(LIST, {"q": term})) for term in terms]

    assert results == [[wanted.pk]] * 4 + [[]]


def test_the_page_of_an_account_lists_its_changes_with_their_reasons(
    reader, alice, staff, funded_account
):
    account = funded_account(alice)
    services.freeze(account_id=account.pk, actor=staff, reason="Card lost")
    services.unfreeze(account_id=account.pk, actor=staff, reason="Card found")

    response = reader.get(page(account))

    assert [row[1:] for row in table(response, "account-changes")] == [
        ["UNFREEZE".title(), "FROZEN", "OPEN", "Card found", "staff"],
        ["FREEZE".title(), "OPEN", "FROZEN", "Card lost", "staff"],
    ]


def test_the_balance_of_the_outside_world_is_minus_the_sum_of_its_currency(
    reader, alice, bob, funded_account
):
    funded_account(alice, 700)
    funded_account(bob, 300)
    funded_account(bob, 5, currency="EUR")

    response = reader.get(page(Account(pk=external_account_id("USD"))))

    assert field(response, "balance_shown") == "-1,000 USD"
    assert response.context["has_change_permission"] is False


def test_an_account_can_neither_be_opened_nor_deleted(admin_client, alice, funded_account):
    account = funded_account(alice)

    answers = [
        admin_client.get(reverse("admin:accounts_account_add")),
        admin_client.post(reverse("admin:accounts_account_delete", args=[account.pk])),
        admin_client.get(reverse("admin:accounts_accountchange_add")),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert Account.objects.filter(pk=account.pk).exists()


def test_a_change_can_neither_be_edited_nor_deleted(admin_client, alice, staff, funded_account):
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


def test_no_list_offers_to_delete(admin_client, rf, admin_user):
    request = rf.get("/")
    request.user = admin_user

    offered = {
        model.__name__: list(admin.site.get_model_admin(model).get_actions(request))
        for model in (Account, AccountChange)
    }

    assert offered == {"Account": ["freeze", "unfreeze", "close"], "AccountChange": []}


def test_staff_without_the_permission_see_nothing(client, staff, alice, funded_account):
    account = funded_account(alice)
    client.force_login(staff)

    answers = [client.get(path) for path in (LIST, page(account), CHANGES)]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_without_its_own_permission_the_page_keeps_the_changes_to_itself(
    client, staff, alice, funded_account
):
    account = funded_account(alice, 500)
    client.force_login(allow(staff, "view_account"))

    response = client.get(page(account))

    assert field(response, "balance_shown") == "500 USD"
    assert b"account-changes" not in response.content
    assert b'id="statement"' not in response.content


def test_an_owner_who_is_not_staff_is_sent_to_the_login(client, alice):
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
