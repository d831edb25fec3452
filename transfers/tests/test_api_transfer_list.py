"""GET /transfers: which transfers are listed, and their order."""

from itertools import chain

import pytest

from api.tests.contract import (
    transfer_document,
)
from transfers.models import Transfer
from transfers.tests.orders import hold_order, transfer_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def dest(bob, funded_account):
    return funded_account(bob, 10_00)


def ids(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def test_a_user_lists_the_transfers_of_their_accounts_newest_first(
    api, alice, bob, staff, funded_account, source, dest
):
    paid = transfer_order(source, dest, 1_00, actor=alice, memo="out")
    received = transfer_order(dest, source, 2_00, actor=bob, memo="in")
    transfer_order(dest, funded_account(staff), 1_00, actor=bob)
    deposit = Transfer.objects.get(dest=source, kind="DEPOSIT")

    response = api.get("/transfers")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == {
        "items": [transfer_document(each) for each in (received, paid, deposit)],
        "next_cursor": None,
    }


def test_the_pages_of_an_owner_of_many_accounts_have_no_gaps_or_repeats(
    api, alice, bob, funded_account, source, dest
):
    mine = [source, *(funded_account(alice, 5_00) for _ in range(9))]
    for number in range(30):
        giver, taker = mine[number % 10], (*mine, dest)[(number * 7 + 1) % 11]
        if giver != taker:
            transfer_order(giver, taker, 1, actor=alice)
    transfer_order(dest, funded_account(bob), 1, actor=bob)
    own = [str(transfer.pk) for transfer in Transfer.objects.visible_to(alice).order_by("-pk")]

    pages, query = [], {"limit": 7}
    while True:
        page = api.get("/transfers", query)
        pages.append(ids(page))
        if page.json()["next_cursor"] is None:
            break
        query["cursor"] = page.json()["next_cursor"]

    assert list(chain.from_iterable(pages)) == own
    assert {len(page) for page in pages[:-1]} == {7}


def test_staff_list_the_transfers_of_all_accounts(client_for, staff, alice, source, dest):
    transfer_order(source, dest, 1_00, actor=alice)

    response = client_for(staff).get("/transfers")

    everything = Transfer.objects.order_by("-pk")
    assert ids(response) == [str(transfer.pk) for transfer in everything]
    assert len(ids(response)) == 3


def test_a_user_without_accounts_gets_an_empty_list(client_for, make_user, source, dest):
    response = client_for(make_user()).get("/transfers")

    assert response.status_code == 200
    assert response.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("count", [1, 3])
def test_listing_takes_a_constant_number_of_queries(
    api, alice, source, dest, django_assert_num_queries, count
):
    for _ in range(count):
        transfer_order(source, dest, 1, actor=alice)
        hold_order(source, dest, 1, actor=alice)

    # One query each for the caller, the ids of the page, and the page.
    with django_assert_num_queries(3):
        response = api.get("/transfers")

    assert len(ids(response)) == 2 * count + 1
