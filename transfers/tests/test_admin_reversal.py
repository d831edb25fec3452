"""The admin's action that reverses transfers."""

import pytest
from django.urls import reverse

from accounts import services as account_services
from accounts.enums import MONEY_MAX
from accounts.models import Account
from accounts.tests.admin_pages import messages_of
from transfers import services
from transfers.models import Transfer
from transfers.services import Order

LIST = reverse("admin:transfers_transfer_changelist")


@pytest.fixture
def officer(client, staff):
    """Return a client logged in as a staff user who may reverse transfers."""
    client.force_login(staff)
    return client


@pytest.fixture
def paid(alice, bob, funded_account):
    """Return a transfer of 2,500 from alice to bob, whose balance was 0."""
    source, dest = funded_account(alice, 10_000), funded_account(bob)
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=2_500)
    return services.transfer(order=order, actor=alice)


def page(transfer) -> str:
    return reverse("admin:transfers_transfer_change", args=[transfer.pk])


def reverse_in_admin(browser, *transfers, reason: str = "Paid twice"):
    ids = [str(transfer.pk) for transfer in transfers]
    return browser.post(LIST, {"action": "reverse", "_selected_action": ids, "reason": reason})


def balances(transfer) -> tuple[int, int]:
    accounts = Account.objects.in_bulk([transfer.source_id, transfer.dest_id])
    return accounts[transfer.source_id].balance, accounts[transfer.dest_id].balance


def test_a_transfer_is_reversed_with_a_reason(officer, staff, paid):
    response = reverse_in_admin(officer, paid)

    reversal = Transfer.objects.get(reverses=paid)
    assert response["Location"] == page(paid)
    assert messages_of(response) == [
        ("success", f"Transfer of 25.00 USD {paid.pk} is now reversed.")
    ]
    assert (reversal.memo, reversal.created_by, reversal.amount) == ("Paid twice", staff, 2_500)
    assert balances(paid) == (10_000, 0)


def test_staff_can_reverse_a_transfer_to_a_frozen_account(officer, staff, paid):
    account_services.freeze(account_id=paid.dest_id, actor=staff)

    reverse_in_admin(officer, paid)

    assert balances(paid) == (10_000, 0)


def test_a_second_reversal_is_refused_and_changes_nothing(officer, paid):
    reverse_in_admin(officer, paid)

    response = reverse_in_admin(officer, paid)

    expected = "It was already reversed, and can be reversed only once."
    assert messages_of(response)[-1] == ("error", f"{paid} couldn't be reversed. {expected}")
    assert balances(paid) == (10_000, 0)


def test_a_reversal_beyond_available_is_refused_and_the_others_are_made(
    officer, alice, bob, funded_account
):
    source, rich, poor = (
        funded_account(alice, 10_000),
        funded_account(bob, 100),
        funded_account(bob),
    )
    kept = services.transfer(
        order=Order(source_id=source.pk, dest_id=poor.pk, amount=40), actor=alice
    )
    services.withdraw(account_id=poor.pk, amount=30, actor=bob)
    returned = services.transfer(
        order=Order(source_id=source.pk, dest_id=rich.pk, amount=60), actor=alice
    )

    response = reverse_in_admin(officer, kept, returned)

    assert response["Location"] == LIST
    assert sorted(messages_of(response)) == [
        (
            "error",
            f"{kept} couldn't be reversed. {poor} has 0.10\xa0USD available, and 0.40\xa0USD is "
            "required.",
        ),
        ("success", f"{returned} is now reversed."),
    ]
    assert (balances(kept), balances(returned)) == ((9_960, 10), (9_960, 100))


@pytest.mark.parametrize("reason", ["", "  ", "x" * 141])
def test_nothing_is_reversed_without_a_reason(officer, paid, reason):
    response = reverse_in_admin(officer, paid, reason=reason)

    expected = "Nothing was changed. Enter a reason of at most 140 characters."
    assert messages_of(response) == [("error", expected)]
    assert balances(paid) == (7_500, 2_500)


@pytest.mark.parametrize("permission", ["transfers.move_any", "transfers.move_cash"])
def test_reversing_requires_its_own_permission(client, make_user, paid, permission):
    client.force_login(make_user("accounts.read_any", permission, is_staff=True))

    response = reverse_in_admin(client, paid)

    assert messages_of(response) == []
    assert b'name="_selected_action"' not in client.get(page(paid)).content
    assert balances(paid) == (7_500, 2_500)


def test_reversing_a_deposit_requires_the_cash_permission_too(
    client, make_user, staff, alice, funded_account
):
    deposit = services.deposit(account_id=funded_account(alice).pk, amount=500, actor=staff)
    client.force_login(make_user("accounts.read_any", "transfers.reverse_any", is_staff=True))

    response = reverse_in_admin(client, deposit)

    why = "This requires the permission transfers.move_cash."
    assert messages_of(response) == [("error", f"{deposit} couldn't be reversed. {why}")]
    assert Transfer.objects.filter(reverses=deposit).count() == 0


def test_the_page_offers_a_reversal_only_if_it_is_possible(officer, paid):
    before = officer.get(page(paid)).context["reversible"]
    reversal = services.reverse(transfer_id=paid.pk, actor=paid.dest.owner)

    after = [officer.get(page(each)).context["reversible"] for each in (paid, reversal)]

    assert (before, after) == (True, [False, False])


def test_a_reversal_beyond_the_largest_balance_is_refused_with_the_account(
    officer, alice, bob, funded_account
):
    source, dest = funded_account(alice, 50), funded_account(bob)
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=50)
    paid = services.transfer(order=order, actor=alice)
    services.deposit(account_id=source.pk, amount=MONEY_MAX, actor=alice)

    response = reverse_in_admin(officer, paid)

    expected = "would exceed 90,071,992,547,409.91\xa0USD, the most that an account can hold."
    assert messages_of(response) == [("error", f"{paid} couldn't be reversed. {source} {expected}")]


def test_several_reversals_are_counted_in_one_message(officer, alice, bob, funded_account):
    source, dest = funded_account(alice, 100), funded_account(bob)
    orders = [Order(source_id=source.pk, dest_id=dest.pk, amount=10)] * 3

    response = reverse_in_admin(officer, *services.post_batch(orders=orders, actor=alice))

    assert messages_of(response) == [("success", "3 transfers are now reversed.")]
