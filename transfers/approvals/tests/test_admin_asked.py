"""The pages of the admin say who asked for approval, when, why, and what is reversed."""

import pytest
from django.urls import reverse
from django.utils.html import escape

from accounts.admin.pages import time_shown
from accounts.tests.admin_pages import action_of, column, field, page_of, table, text_of
from transfers import services
from transfers.approvals.models import Approval
from transfers.approvals.services import ask_for_reversal
from transfers.approvals.tests.conftest import THRESHOLD
from transfers.models import Transfer
from transfers.movements import Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("threshold")]

LIST = reverse("admin:approvals_approval_changelist")


@pytest.fixture
def rent(source, dest) -> Transfer:
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=THRESHOLD, memo="Rent & heating")
    return services.transfer(order=order, actor=source.owner)


@pytest.fixture
def reversal(staff, rent) -> Approval:
    return ask_for_reversal(transfer_id=rent.pk, actor=staff, memo="Paid twice")


def told_of(rent: Transfer) -> str:
    at = time_shown(rent.created_at)
    return f"Transfer of 10.00 USD {at} · Rent & heating {rent.pk}"


def asked(response) -> dict[str, str]:
    return {label: text_of(value) for label, value in response.context["asked"]}


@pytest.mark.parametrize("verb", ["approve", "decline"])
def test_who_decides_sees_who_asked_when_and_why_and_what_is_reversed(second, reversal, rent, verb):
    response = second.get(action_of(reversal, verb))

    html = response.content.decode()
    assert asked(response) == {
        "Requested by": "staff",
        "Requested at": time_shown(reversal.requested_at),
        "Reason": "Paid twice",
        "Reverses": told_of(rent),
    }
    assert f'<dd><a href="{page_of(rent)}">' in html
    assert escape("Rent & heating") in html
    assert html.index('id="asked"') < html.index('id="preview-heading"')


def test_who_withdraws_sees_what_they_asked_for(officer, ask):
    limit = ask("OVERDRAFT_LIMIT")

    response = officer.get(action_of(limit, "withdraw"))

    assert asked(response) == {
        "Requested by": "staff",
        "Requested at": time_shown(limit.requested_at),
        "Reason": "Salary",
    }


def test_the_page_of_an_approval_shows_what_is_reversed(second, reversal, rent):
    shown = field(second.get(page_of(reversal)), "reverses_shown")

    assert shown == told_of(rent)


def test_the_lists_of_approvals_show_the_reason(second, staff, reversal, source, ask):
    without = services.transfer(order=ask("TRANSFER").order, actor=source.owner)
    ask_for_reversal(transfer_id=without.pk, actor=staff)
    home = second.get(reverse("admin:index"))
    titles = [panel["title"] for panel in home.context["panels"]]

    reasons = [
        column(second.get(LIST), "reason_shown"),
        [row[2] for row in table(second.get(page_of(source)), "approvals")],
        [row[2] for row in table(home, f"panel-{titles.index('Pending approvals') + 1}")],
    ]

    assert reasons == [["", "Correction", "Paid twice"]] * 3
