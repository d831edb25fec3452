"""Where staff find approvals: the list, the searches, and the pages that they concern."""

import pytest
from django.urls import reverse

from accounts.tests.admin_pages import action_of, column, confirm, queries_of
from transfers.approvals.models import Approval
from transfers.models import Transfer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("threshold")]

LIST = reverse("admin:approvals_approval_changelist")


def page(approval: Approval) -> str:
    return reverse("admin:approvals_approval_change", args=[approval.pk])


def test_the_list_shows_what_waits_and_finds_it_by_its_accounts(second, ask, source):
    ask("DEPOSIT")
    asked = ask("WITHDRAWAL")

    shown = second.get(LIST, {"status__exact": "PENDING", "q": str(source.pk)})

    names = ("asked_for", "status_shown", "amount_shown", "requested_by", "decided_by")
    assert list(zip(*(column(shown, name) for name in names), strict=True)) == [
        (f"Withdrawal {asked.pk}", "Pending", "10.00 USD", "staff", "\N{EN DASH}"),
    ]
    assert column(shown, "parties_shown") == ["alice → External USD"]


def test_the_list_takes_as_many_queries_for_three_as_for_one(second, ask):
    ask()
    one = queries_of(second, LIST)
    ask("REVERSAL")
    ask("OVERDRAFT_LIMIT")

    assert queries_of(second, LIST) == one


def test_the_page_of_a_transfer_links_to_its_approval(second, ask):
    asked = ask()
    confirm(second, action_of(asked, "approve"))
    transfer = Transfer.objects.latest("pk")

    shown = second.get(reverse("admin:transfers_transfer_change", args=[transfer.pk]))

    assert f'href="{page(asked)}"' in shown.content.decode()


def test_the_home_page_shows_what_waits_until_it_is_decided(second, ask):
    asked = ask()

    waiting = second.get("/admin/").content.decode()
    confirm(second, action_of(asked, "approve"))
    decided = second.get("/admin/").content.decode()

    assert f'href="{page(asked)}"' in waiting
    assert "Pending approvals" not in decided
