"""What staff see of transfers and entries in the admin, and that none of it can be edited."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.models import external_account_id
from accounts.tests.admin_pages import allow, column, field, queries_of, table
from transfers import services
from transfers.models import LedgerEntry, Transfer
from transfers.services import Order

TRANSFERS = reverse("admin:transfers_transfer_changelist")
ENTRIES = reverse("admin:transfers_ledgerentry_changelist")

VIEWS = ("view_account", "view_transfer", "view_ledgerentry")


@pytest.fixture
def officer(client, staff):
    """A browser in which staff are logged in who may look at everything and change accounts."""
    client.force_login(allow(staff, *VIEWS, "change_account"))
    return client


@pytest.fixture
def book(alice, bob, funded_account):
    """Two accounts, and what happened between them, by name."""
    source, dest = funded_account(alice, 100_000), funded_account(bob)
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=2_500, memo="Lunch")
    week = timedelta(days=7)
    paid = services.transfer(order=order, actor=alice)
    held = services.hold(order=order, expires_in=week, actor=alice)
    return {
        "source": source,
        "dest": dest,
        "transfer": paid,
        "reversal": services.reverse(transfer_id=paid.pk, actor=bob),
        "hold": held,
        "capture": services.capture(hold_id=held.pk, actor=bob, amount=2_000),
    }


def page(row) -> str:
    return reverse(f"admin:transfers_{row._meta.model_name}_change", args=[row.pk])


def found(response) -> list:
    return [row.pk for row in response.context["cl"].result_list]


def test_the_list_shows_what_happened_newest_first(officer, book):
    response = officer.get(TRANSFERS, {"q": str(book["dest"].pk)})

    names = ("kind", "status", "amount_shown", "source_shown", "dest_shown", "memo")
    assert list(zip(*(column(response, name) for name in names), strict=True)) == [
        ("Capture", "Posted", "2,000 USD", "alice", "bob", "-"),
        ("Reversal", "Posted", "2,500 USD", "bob", "alice", "-"),
        ("Hold", "Captured", "2,500 USD", "alice", "bob", "Lunch"),
        ("Transfer", "Reversed", "2,500 USD", "alice", "bob", "Lunch"),
    ]


def test_a_transfer_is_found_by_its_id_and_by_its_accounts(officer, book):
    terms = (book["hold"], book["dest"])
    results = [found(officer.get(TRANSFERS, {"q": str(row.pk)})) for row in terms]
    nothing = found(officer.get(TRANSFERS, {"q": "Lunch"}))

    names = ("capture", "reversal", "hold", "transfer")
    assert results == [[book["hold"].pk], [book[name].pk for name in names]]
    assert nothing == []


def test_the_list_is_narrowed_by_the_derived_status(officer, book):
    results = {
        status: found(officer.get(TRANSFERS, {"status": status, "kind__exact": "HOLD"}))
        for status in ("CAPTURED", "PENDING", "nonsense")
    }

    held = [book["hold"].pk]
    assert results == {"CAPTURED": held, "PENDING": [], "nonsense": held}


def test_the_page_of_a_transfer_shows_its_two_entries_and_links_its_relatives(officer, book):
    pages = {name: officer.get(page(book[name])) for name in ("transfer", "hold", "capture")}

    assert [row[:5] for row in table(pages["transfer"], "entries")] == [
        ["alice", "2,500 USD", "", "97,500 USD", "2"],
        ["bob", "", "2,500 USD", "2,500 USD", "1"],
    ]
    assert table(pages["hold"], "entries") == [["It moves no money."]]
    assert [
        field(pages["transfer"], "reversal_shown"),
        field(pages["hold"], "resolution_shown"),
        field(pages["capture"], "hold_shown"),
        field(pages["capture"], "reversal_shown"),
    ] == [
        f"Reversal {book['reversal'].pk}",
        f"Capture {book['capture'].pk}",
        f"Hold {book['hold'].pk}",
        "–",  # noqa: RUF001 -- typography
    ]
    assert f'href="{page(book["reversal"])}"' in pages["transfer"].content.decode()


def test_the_page_of_an_account_is_its_statement(officer, book):
    response = officer.get(reverse("admin:accounts_account_change", args=[book["dest"].pk]))

    rows = table(response, "statement")
    assert [[row[0], *row[2:7]] for row in rows] == [
        ["3", "Capture", "", "", "2,000 USD", "2,000 USD"],
        ["2", "Reversal", "", "2,500 USD", "", "0 USD"],
        ["1", "Transfer", "Lunch", "", "2,500 USD", "2,500 USD"],
    ]
    names = ("capture", "reversal", "transfer")
    assert [row[7] for row in rows] == [str(book[name].pk) for name in names]
    html = response.content.decode()
    assert [f'href="{path}?q={book["dest"].pk}"' in html for path in (ENTRIES, TRANSFERS)] == [
        True,
        True,
    ]


def test_the_page_of_an_account_shows_its_last_fifty_entries(officer, alice, bob, funded_account):
    source, dest = funded_account(alice, 100), funded_account(bob)
    orders = [Order(source_id=source.pk, dest_id=dest.pk, amount=1)] * 51
    services.post_batch(orders=orders, actor=alice)

    response = officer.get(reverse("admin:accounts_account_change", args=[dest.pk]))

    numbers = [row[0] for row in table(response, "statement")]
    assert numbers == [str(number) for number in range(51, 1, -1)]


def test_the_page_of_the_outside_world_shows_entries_without_a_balance(officer, book):
    external = external_account_id("USD")

    response = officer.get(reverse("admin:accounts_account_change", args=[external]))

    dash = "–"  # noqa: RUF001 -- typography
    rows = table(response, "statement")
    assert [[row[0], *row[2:7]] for row in rows] == [[dash, "Deposit", "", "100,000 USD", "", dash]]


def test_entries_are_found_by_account_and_transfer_with_their_balances(officer, book):
    by_account = officer.get(ENTRIES, {"q": str(book["dest"].pk)})
    by_transfer = officer.get(ENTRIES, {"q": str(book["transfer"].pk)})

    names = ("sequence", "type", "amount_shown", "balance_shown")
    assert list(zip(*(column(by_account, name) for name in names), strict=True)) == [
        ("3", "Credit", "2,000 USD", "2,000 USD"),
        ("2", "Debit", "2,500 USD", "0 USD"),
        ("1", "Credit", "2,500 USD", "2,500 USD"),
    ]
    assert sorted(column(by_transfer, "account_shown")) == ["alice", "bob"]


@pytest.mark.parametrize("model", [Transfer, LedgerEntry])
def test_history_can_neither_be_added_edited_nor_deleted(admin_client, book, model):
    row = model.objects.last()
    before = model.objects.filter(pk=row.pk).values().get()

    answers = [
        admin_client.get(reverse(f"admin:transfers_{model._meta.model_name}_add")),
        admin_client.post(page(row), {"amount": 1, "memo": "No"}),
        admin_client.post(page(row).replace("change/", "delete/"), {"post": "yes"}),
    ]
    seen = admin_client.get(page(row))

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert (seen.status_code, seen.context["adminform"].form.fields) == (200, {})
    assert model.objects.filter(pk=row.pk).values().get() == before


def test_the_only_action_on_history_is_a_reversal(admin_user, rf):
    request = rf.get("/")
    request.user = admin_user

    offered = {
        model.__name__: list(admin.site.get_model_admin(model).get_actions(request))
        for model in (Transfer, LedgerEntry)
    }

    assert offered == {"Transfer": ["reverse"], "LedgerEntry": []}


def test_staff_without_the_permission_see_no_history(client, staff, book):
    client.force_login(allow(staff, "view_account"))

    paths = (TRANSFERS, ENTRIES, page(book["transfer"]))
    assert [client.get(path).status_code for path in paths] == [403, 403, 403]


def test_three_rows_take_as_many_queries_as_one(officer, alice, bob, funded_account):
    source, dest = funded_account(alice, 100), funded_account(bob)
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=1)
    account = reverse("admin:accounts_account_change", args=[dest.pk])

    def queries() -> list[int]:
        paid = services.transfer(order=order, actor=alice)
        services.reverse(transfer_id=paid.pk, actor=bob)
        lists = [f"{path}?q={dest.pk}" for path in (TRANSFERS, ENTRIES)]
        return [queries_of(officer, path) for path in (*lists, account, page(paid))]

    with_one, _, with_three = queries(), queries(), queries()

    assert with_three == with_one
    assert len(column(officer.get(TRANSFERS, {"q": str(dest.pk)}), "memo")) == 6
