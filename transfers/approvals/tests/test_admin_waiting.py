"""A reversal that waits for approval is visible on the transfer, and isn't asked for twice."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.admin.pages import time_shown
from accounts.tests.admin_pages import (
    action_of,
    confirm,
    page_of,
    queries_of,
    refusal,
    table,
    text_of,
)
from transfers import services
from transfers.approvals.models import Approval
from transfers.approvals.services import ask_for_reversal, withdraw
from transfers.approvals.tests.conftest import THRESHOLD
from transfers.models import Transfer
from transfers.movements import Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("threshold")]

TRANSFERS = reverse("admin:transfers_transfer_changelist")


@pytest.fixture
def pay(source, dest):
    """Return a function that makes a transfer, by default one whose reversal must wait."""

    def pay(amount: int = THRESHOLD) -> Transfer:
        order = Order(source_id=source.pk, dest_id=dest.pk, amount=amount)
        return services.transfer(order=order, actor=source.owner)

    return pay


@pytest.fixture
def paid(pay) -> Transfer:
    return pay()


@pytest.fixture
def reversal(staff, paid) -> Approval:
    return ask_for_reversal(transfer_id=paid.pk, actor=staff, memo="Paid twice")


def told(reversal: Approval) -> str:
    at = time_shown(reversal.requested_at)
    return f"A reversal requested by staff at {at} waits for approval."


def test_the_page_of_a_transfer_says_that_its_reversal_waits(officer, paid, staff):
    before = officer.get(page_of(paid))
    reversal = ask_for_reversal(transfer_id=paid.pk, actor=staff)
    while_it_waits = officer.get(page_of(paid))
    withdraw(approval_id=reversal.pk, actor=staff)
    afterwards = officer.get(page_of(paid))

    shown = [each.context["waiting"] for each in (before, while_it_waits, afterwards)]
    assert [each and text_of(each) for each in shown] == [None, told(reversal), None]
    assert f'href="{page_of(reversal)}"' in shown[1]
    assert shown[1] in while_it_waits.content.decode()


def test_the_page_of_a_transfer_takes_no_more_queries_for_several_that_wait(
    officer, pay, paid, staff, checker
):
    ask_for_reversal(transfer_id=paid.pk, actor=staff)
    one = queries_of(officer, page_of(paid))
    for _ in range(2):
        ask_for_reversal(transfer_id=pay().pk, actor=staff)

    assert queries_of(officer, page_of(paid)) == one


def test_a_reversal_that_waits_is_not_asked_for_again(officer, reversal, paid):
    shown = officer.get(action_of(paid, "reverse"))
    confirmed = confirm(officer, action_of(paid, "reverse"), reason="Another reason")

    for response in (shown, confirmed):
        assert refusal(response) == told(reversal)
        assert f'href="{page_of(reversal)}"' in response.content.decode()
        assert 'name="reason"' not in response.content.decode()
    assert list(Approval.objects.values_list("memo", flat=True)) == ["Paid twice"]


def test_somebody_else_is_told_too(make_user, reversal, paid):
    other = make_user("accounts.read_any", "transfers.reverse_any", is_staff=True)
    browser = Client()
    browser.force_login(other)

    confirmed = confirm(browser, action_of(paid, "reverse"), reason="Another reason")

    assert refusal(confirmed) == told(reversal)
    assert Approval.objects.get() == reversal


def test_who_needs_no_approval_reverses_it_although_a_request_waits(
    officer, settings, reversal, paid
):
    settings.APPROVAL_THRESHOLD = THRESHOLD + 1

    confirm(officer, action_of(paid, "reverse"), reason="Paid twice")

    assert Transfer.objects.filter(reverses=paid).exists()


def test_the_page_says_why_it_is_refused_although_a_request_waits(
    officer, settings, reversal, paid, dest
):
    settings.APPROVAL_THRESHOLD = THRESHOLD + 1
    services.withdraw(account_id=dest.pk, amount=11_000, actor=dest.owner)
    without_funds = officer.get(action_of(paid, "reverse"))
    services.deposit(account_id=dest.pk, amount=11_000, actor=dest.owner)
    services.reverse(transfer_id=paid.pk, actor=dest.owner)
    reversed_already = officer.get(action_of(paid, "reverse"))

    assert [refusal(each) for each in (without_funds, reversed_already)] == [
        f"{dest} has 0.00 USD available, and 10.00 USD is required.",
        "It was already reversed, and can be reversed only once.",
    ]


@pytest.mark.parametrize(
    ("small", "large", "button", "tells_of_waiting"),
    [
        (2, 0, "Reverse 2 transfers", False),
        (1, 2, "Reverse 1 transfer and ask for approval of 2", True),
        (0, 2, "Ask for approval of 2 transfers", True),
    ],
)
def test_the_button_of_several_reversals_says_how_many_wait(
    officer, pay, small, large, button, tells_of_waiting
):
    paid = [*(pay(5) for _ in range(small)), *(pay() for _ in range(large))]
    selected = [str(each.pk) for each in paid]

    asked = officer.post(TRANSFERS, {"action": "reverse", "_selected_action": selected})

    html = asked.content.decode()
    assert f'class="default" value="{button}"' in html
    assert "the figures that the rows above it leave." in html
    assert ("A row that must wait for approval" in html) is tells_of_waiting


def test_of_several_accounts_to_freeze_none_is_said_to_wait(officer, source, dest):
    selected = [str(source.pk), str(dest.pk)]
    path = reverse("admin:accounts_account_changelist")

    asked = officer.post(path, {"action": "freeze", "_selected_action": selected})

    html = asked.content.decode()
    assert 'value="Freeze 2 accounts"' in html
    assert [each in html for each in ("approval", "One after the other")] == [False, False]


def test_of_several_reversals_one_that_waits_is_refused(officer, reversal, paid, pay):
    other = pay()
    selected = [str(paid.pk), str(other.pk)]

    asked = officer.post(TRANSFERS, {"action": "reverse", "_selected_action": selected})

    assert table(asked, "refused") == [[str(paid), told(reversal)]]
    assert [each["row"] for each in asked.context["possible"]] == [other]
