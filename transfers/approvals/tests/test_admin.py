"""The admin's pages of approvals, and the actions that lead to one."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.admin.pages import money_shown
from accounts.models import Account
from accounts.tests.admin_pages import (
    action_of,
    confirm,
    field,
    menu,
    messages_of,
    page_of,
    preview,
    refusal,
    table,
)
from transfers import services
from transfers.approvals.models import Approval
from transfers.approvals.tests.conftest import THRESHOLD
from transfers.models import Transfer
from transfers.movements import Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("threshold")]

KEY = "5f0f7c3a-6f6e-4a57-9b0b-5a1c2d3e4f50"
TRANSFERS = reverse("admin:transfers_transfer_changelist")


@pytest.fixture
def paid(source, dest) -> Transfer:
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=THRESHOLD)
    return services.transfer(order=order, actor=source.owner)


def assert_waits(response, waiting: Approval) -> None:
    [(level, message)] = messages_of(response)
    assert level == "warning"
    assert f'href="{page_of(waiting)}"' in message
    assert message.endswith("waits for the approval of a second person.")


def asks_for_approval(response) -> bool:
    """Return whether the page of an action says that it must wait."""
    html = response.content.decode()
    return 'id="must-wait"' in html and 'value="Ask for approval"' in html


def test_a_large_reversal_waits_and_a_second_person_approves_it(officer, second, paid):
    shown = officer.post(action_of(paid, "reverse"), {"reason": "Paid twice"})
    asked = confirm(officer, action_of(paid, "reverse"), reason="Paid twice")
    waiting = Approval.objects.get()
    decided = confirm(second, action_of(waiting, "approve"), reason="Agreed")

    assert asks_for_approval(shown)
    assert preview(shown)["alice"]["Balance"] == ("90.00 USD", "100.00 USD")
    assert_waits(asked, waiting)
    assert messages_of(decided) == [("success", f"{waiting} is now approved.")]
    reversal = Transfer.objects.get(reverses=paid)
    assert (reversal.memo, reversal.created_by.username) == ("Paid twice", "staff")
    waiting.refresh_from_db()
    assert (waiting.transfer, waiting.decided_by.username) == (reversal, "checker")
    assert waiting.note == "Agreed"


def test_a_large_limit_waits_and_a_second_person_approves_it(officer, second, source):
    form = {"overdraft_limit": "10.00", "reason": "Salary"}
    shown = officer.post(action_of(source, "limit"), form)
    asked = confirm(officer, action_of(source, "limit"), **form)
    waiting = Approval.objects.get()
    before = Account.objects.get(pk=source.pk).overdraft_limit
    confirm(second, action_of(waiting, "approve"))

    assert asks_for_approval(shown)
    assert_waits(asked, waiting)
    assert (before, Account.objects.get(pk=source.pk).overdraft_limit) == (0, THRESHOLD)
    result = field(second.get(page_of(waiting)), "result_shown")
    assert result == "The limit was changed from 0.00 USD to 10.00 USD."


@pytest.mark.parametrize("verb", ["deposit", "withdraw", "transfer"])
def test_a_large_movement_waits_and_a_small_one_is_made(officer, source, dest, verb):
    form = {"reason": "Correction", **({"dest": dest.pk} if verb == "transfer" else {})}
    before = Transfer.objects.count()

    small = officer.post(action_of(source, verb), {**form, "amount": "9.99"})
    confirm(officer, action_of(source, verb), amount="9.99", **form)
    shown = officer.post(action_of(source, verb), {**form, "amount": "10"})
    asked = confirm(officer, action_of(source, verb), amount="10", **form)

    assert (asks_for_approval(small), asks_for_approval(shown)) == (False, True)
    assert Transfer.objects.count() == before + 1
    assert_waits(asked, Approval.objects.get())


def test_a_small_limit_is_set_at_once(officer, source):
    confirm(officer, action_of(source, "limit"), overdraft_limit="9.99", reason="Salary")

    assert Account.objects.get(pk=source.pk).overdraft_limit == THRESHOLD - 1
    assert Approval.objects.count() == 0


def test_a_form_that_is_sent_twice_asks_once(officer, paid):
    for _ in range(2):
        confirm(officer, action_of(paid, "reverse"), KEY, reason="Twice")

    assert Approval.objects.count() == 1


def test_of_several_reversals_the_large_ones_wait(officer, source, dest, paid):
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=5)
    small = services.transfer(order=order, actor=source.owner)
    form = {"action": "reverse", "_selected_action": [paid.pk, small.pk]}

    asked = officer.post(TRANSFERS, form)
    response = officer.post(TRANSFERS, {**form, "confirmed": "yes", "reason": "Both"})

    wait = "A second person must approve this. Until then, nothing is changed."
    shown = {name: wait in effects for name, effects in table(asked, "possible")}
    assert shown == {str(paid): True, str(small): False}
    levels = sorted(level for level, _ in messages_of(response))
    assert levels == ["success", "warning"]
    assert list(Transfer.objects.exclude(reverses=None).values_list("reverses", flat=True)) == [
        small.pk
    ]
    assert Approval.objects.get().reverses == paid


def test_what_waits_for_approval_changes_nothing_for_the_rows_below(officer, source, dest):
    for amount in (5, THRESHOLD, 3):
        order = Order(source_id=source.pk, dest_id=dest.pk, amount=amount)
        services.transfer(order=order, actor=source.owner)
    made = Transfer.objects.filter(source=source, dest=dest)
    selected = [str(each) for each in made.values_list("pk", flat=True)]

    asked = officer.post(TRANSFERS, {"action": "reverse", "_selected_action": selected})

    shown = [(each["must_wait"], each["effects"][0].figures) for each in asked.context["possible"]]
    balance = Account.objects.get(pk=source.pk).balance
    now, later = (money_shown(each, source.currency) for each in (balance, balance + 3))
    # The newest first.
    assert [(waits, figures[0].before) for waits, figures in shown] == [
        *((False, now), (True, later), (False, later)),
    ]


def test_a_declined_request_shows_who_declined_it_and_why(second, ask):
    asked = ask()

    without_reason = confirm(second, action_of(asked, "decline"))
    confirm(second, action_of(asked, "decline"), reason="Not agreed")

    shown = second.get(page_of(asked))
    assert "This field is required." in without_reason.content.decode()
    names = ("status_shown", "requested_by", "decided_by", "note")
    assert [field(shown, name) for name in names] == [
        *("Declined", "staff", "checker", "Not agreed"),
    ]
    assert menu(shown) == []


def test_what_the_ledger_refuses_is_explained_and_goes_on_waiting(second, ask, source):
    asked = ask("WITHDRAWAL", 10_000)
    services.withdraw(account_id=source.pk, amount=1, actor=source.owner)

    shown = second.get(action_of(asked, "approve"))
    confirmed = confirm(second, action_of(asked, "approve"))

    why = f"{source} has 99.99 USD available, and 100.00 USD is required."
    assert (refusal(shown), refusal(confirmed)) == (why, why)
    assert Approval.objects.get().status == "PENDING"


PREVIEWS = {
    "DEPOSIT": {"bob": ("100.00", "110.00", "110.00")},
    "WITHDRAWAL": {"alice": ("100.00", "90.00", "90.00")},
    "TRANSFER": {"alice": ("100.00", "90.00", "90.00"), "bob": ("100.00", "110.00", "110.00")},
    "HOLD": {"alice": ("100.00", "100.00", "90.00"), "bob": ("100.00", "100.00", "100.00")},
    "REVERSAL": {"alice": ("110.00", "100.00", "100.00"), "bob": ("90.00", "100.00", "100.00")},
    "OVERDRAFT_LIMIT": {"alice": ("100.00", "100.00", "110.00")},
}


@pytest.mark.parametrize("kind", PREVIEWS)
def test_the_approver_sees_both_accounts_before_and_after(second, ask, kind):
    asked = ask(kind)

    shown = preview(second.get(action_of(asked, "approve")))

    found = {
        name: (*figures["Balance"], figures["Available"][1]) for name, figures in shown.items()
    }
    assert found == {
        name: tuple(f"{each} USD" for each in row) for name, row in PREVIEWS[kind].items()
    }
    assert Approval.objects.get().status == "PENDING"


@pytest.fixture
def supporter(make_user) -> Client:
    browser = Client()
    browser.force_login(make_user("accounts.read_any", is_staff=True))
    return browser


def test_the_page_offers_only_what_the_user_may_do(officer, second, supporter, ask):
    asked = ask()

    offered = [menu(browser.get(page_of(asked))) for browser in (officer, second, supporter)]

    assert offered == [["Withdraw"], ["Approve", "Decline"], []]


def test_deciding_is_refused_to_those_who_are_not_offered_it(
    officer, second, supporter, make_user, client_for, ask
):
    superuser = make_user(is_superuser=True, is_staff=True)
    own = Client()
    own.force_login(superuser)
    asked = ask(actor=superuser)

    by_oneself = confirm(own, action_of(asked, "approve"))
    others = [confirm(each, action_of(asked, "approve")) for each in (officer, supporter)]
    withdrawn = confirm(second, action_of(asked, "withdraw"))

    assert refusal(by_oneself) == (
        "You asked for it yourself, so somebody else must decide. You can withdraw it."
    )
    assert [response.status_code for response in others] == [403, 403]
    assert refusal(withdrawn).startswith("Only the requester can withdraw a request.")
    assert Approval.objects.get().status == "PENDING"


def test_the_requester_withdraws_it_in_the_admin(officer, ask):
    asked = ask()

    response = confirm(officer, action_of(asked, "withdraw"))

    assert messages_of(response) == [("success", f"{asked} is now withdrawn.")]
    assert Approval.objects.get().status == "WITHDRAWN"
