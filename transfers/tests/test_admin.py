"""The admin's pages of transfers and entries, which are read-only."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.tests.admin_pages import column, field, found, queries_of, table
from transfers import services
from transfers.models import LedgerEntry, Transfer
from transfers.services import Order

TRANSFERS = reverse("admin:transfers_transfer_changelist")
ENTRIES = reverse("admin:transfers_ledgerentry_changelist")


@pytest.fixture
def book(alice, bob, funded_account):
    """Return two accounts and the transfers between them, by name."""
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


def test_the_list_shows_transfers_newest_first(officer, book):
    response = officer.get(TRANSFERS, {"q": str(book["dest"].pk)})

    names = ("kind_shown", "status", "amount_shown", "source_shown", "dest_shown", "memo_shown")
    assert list(zip(*(column(response, name) for name in names), strict=True)) == [
        (f"Capture {book['capture'].pk}", "Posted", "20.00 USD", "alice", "bob", "Lunch"),
        (f"Reversal {book['reversal'].pk}", "Posted", "25.00 USD", "bob", "alice", "\N{EN DASH}"),
        (f"Hold {book['hold'].pk}", "Captured", "25.00 USD", "alice", "bob", "Lunch"),
        (f"Transfer {book['transfer'].pk}", "Reversed", "25.00 USD", "alice", "bob", "Lunch"),
    ]


def test_transfers_are_found_by_their_id_and_by_their_accounts(officer, book):
    terms = (book["hold"], book["dest"])
    results = [found(officer.get(TRANSFERS, {"q": str(row.pk)})) for row in terms]

    names = ("capture", "reversal", "hold", "transfer")
    assert results == [
        [book["capture"].pk, book["hold"].pk],
        [book[name].pk for name in names],
    ]


def test_the_list_is_filtered_by_status(officer, book):
    results = {
        status: found(officer.get(TRANSFERS, {"status": status, "kind__exact": "HOLD"}))
        for status in ("CAPTURED", "PENDING", "nonsense")
    }

    held = [book["hold"].pk]
    assert results == {"CAPTURED": held, "PENDING": [], "nonsense": held}


def test_the_page_of_a_transfer_shows_its_entries_and_links_related_transfers(officer, book):
    pages = {name: officer.get(page(book[name])) for name in ("transfer", "hold", "capture")}

    assert [row[:5] for row in table(pages["transfer"], "entries")] == [
        ["alice", "25.00 USD", "", "975.00 USD", "2"],
        ["bob", "", "25.00 USD", "25.00 USD", "1"],
    ]
    assert table(pages["hold"], "entries") == [["No entries: this transfer moved no money."]]
    assert [
        field(pages["transfer"], "reversal_shown"),
        field(pages["hold"], "resolution_shown"),
        field(pages["capture"], "hold_shown"),
        field(pages["capture"], "reversal_shown"),
    ] == [
        f"Reversal {book['reversal'].pk}",
        f"Capture {book['capture'].pk} of 20.00 USD",
        f"Hold {book['hold'].pk}",
        "–",  # noqa: RUF001 -- typography
    ]
    assert f'href="{page(book["reversal"])}"' in pages["transfer"].content.decode()


def test_entries_are_found_by_account_and_transfer_with_their_balances(officer, book):
    by_account = officer.get(ENTRIES, {"q": str(book["dest"].pk)})
    by_transfer = officer.get(ENTRIES, {"q": str(book["transfer"].pk)})

    names = ("sequence", "type", "amount_shown", "balance_shown", "memo")
    assert list(zip(*(column(by_account, name) for name in names), strict=True)) == [
        ("3", "Credit", "20.00 USD", "20.00 USD", "Lunch"),
        ("2", "Debit", "25.00 USD", "0.00 USD", "\N{EN DASH}"),
        ("1", "Credit", "25.00 USD", "25.00 USD", "Lunch"),
    ]
    assert sorted(column(by_transfer, "account_shown")) == ["alice", "bob"]


@pytest.mark.parametrize("model", [Transfer, LedgerEntry])
def test_transfers_and_entries_cannot_be_added_edited_or_deleted(admin_client, book, model):
    row = model.objects.last()
    before = model.objects.filter(pk=row.pk).values().get()

    responses = [
        admin_client.get(reverse(f"admin:transfers_{model._meta.model_name}_add")),
        admin_client.post(page(row), {"amount": 1, "memo": "No"}),
        admin_client.post(page(row).replace("change/", "delete/"), {"post": "yes"}),
    ]
    seen = admin_client.get(page(row))

    assert [response.status_code for response in responses] == [403, 403, 403]
    assert (seen.status_code, seen.context["adminform"].form.fields) == (200, {})
    assert model.objects.filter(pk=row.pk).values().get() == before


def test_the_only_action_is_reversing_transfers(admin_user, rf):
    request = rf.get("/")
    request.user = admin_user

    offered = {
        model.__name__: list(admin.site.get_model_admin(model).get_actions(request))
        for model in (Transfer, LedgerEntry)
    }

    assert offered == {"Transfer": ["reverse"], "LedgerEntry": []}


def test_staff_without_the_read_permission_get_403(client, make_user, book):
    client.force_login(make_user("transfers.move_any", "transfers.reverse_any", is_staff=True))

    paths = (TRANSFERS, ENTRIES, page(book["transfer"]))
    assert [client.get(path).status_code for path in paths] == [403, 403, 403]


@pytest.mark.parametrize("name", ["transfer", "hold"])
def test_the_history_of_a_transfer_redirects_to_its_page(admin_client, book, name):
    shown = admin_client.get(page(book[name]))
    history = admin_client.get(page(book[name]).replace("change/", "history/"))

    assert b"historylink" not in shown.content
    assert history["Location"] == page(book[name])


def test_three_rows_take_as_many_queries_as_one(officer, alice, bob, funded_account):
    source, dest = funded_account(alice, 100), funded_account(bob)
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=1)

    def queries() -> list[int]:
        paid = services.transfer(order=order, actor=alice)
        services.reverse(transfer_id=paid.pk, actor=bob)
        lists = [f"{path}?q={dest.pk}" for path in (TRANSFERS, ENTRIES)]
        return [queries_of(officer, path) for path in (*lists, page(paid))]

    with_one, _, with_three = queries(), queries(), queries()

    assert with_three == with_one
    assert len(column(officer.get(TRANSFERS, {"q": str(dest.pk)}), "memo_shown")) == 6


def test_three_voids_take_as_many_queries_as_one(officer, alice, bob, funded_account):
    # The list shows the memo of the hold, because a void has none of its own.
    source, dest = funded_account(alice, 100), funded_account(bob)
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=1, memo="Taxi")

    def queries() -> int:
        held = services.hold(order=order, expires_in=timedelta(days=7), actor=alice)
        services.void(hold_id=held.pk, actor=alice)
        return queries_of(officer, f"{TRANSFERS}?kind__exact=VOID")

    with_one, _, with_three = queries(), queries(), queries()

    assert with_one == with_three
