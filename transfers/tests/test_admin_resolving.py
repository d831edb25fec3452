"""The admin's actions that reverse transfers, and capture and void holds."""

import pytest
from django.urls import reverse

from accounts import services as account_services
from accounts.enums import MONEY_MAX
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
    text_of,
)
from transfers import services
from transfers.models import Transfer
from transfers.tests.orders import expired_hold, hold_order, transfer_order

LIST = reverse("admin:transfers_transfer_changelist")


@pytest.fixture
def paid(alice, bob, funded_account):
    """Return a transfer of 2,500 from alice to bob, whose balance was 0."""
    return transfer_order(funded_account(alice, 10_000), funded_account(bob), 2_500, actor=alice)


@pytest.fixture
def hold(source, dest, alice):
    """Return a hold of 240 from alice to bob."""
    return hold_order(source, dest, 240, actor=alice)


def page(transfer) -> str:
    return reverse("admin:transfers_transfer_change", args=[transfer.pk])


def reverse_several(browser, *transfers, **fields: str):
    ids = [str(transfer.pk) for transfer in transfers]
    return browser.post(LIST, {"action": "reverse", "_selected_action": ids, **fields})


def balances(transfer) -> tuple[int, int]:
    accounts = Account.objects.in_bulk([transfer.source_id, transfer.dest_id])
    return accounts[transfer.source_id].balance, accounts[transfer.dest_id].balance


# ── Reversing ────────────────────────────────────────────────────────────────────────────────────


def test_a_transfer_is_reversed_with_a_reason_after_a_preview(officer, staff, paid):
    asked = officer.get(action_of(paid, "reverse"))
    before = balances(paid)
    response = confirm(officer, action_of(paid, "reverse"), reason="Paid twice")

    assert {name: each["Balance"] for name, each in preview(asked).items()} == {
        "alice": ("75.00 USD", "100.00 USD"),
        "bob": ("25.00 USD", "0.00 USD"),
    }
    reversal = Transfer.objects.get(reverses=paid)
    assert (before, response["Location"]) == ((7_500, 2_500), page(paid))
    assert messages_of(response) == [
        ("success", f"Transfer of 25.00 USD {paid.pk} is now reversed.")
    ]
    assert (reversal.memo, reversal.created_by, reversal.amount) == ("Paid twice", staff, 2_500)
    assert balances(paid) == (10_000, 0)


def test_staff_can_reverse_a_transfer_to_a_frozen_account(officer, staff, paid):
    account_services.freeze(account_id=paid.dest_id, actor=staff)

    confirm(officer, action_of(paid, "reverse"), reason="Paid twice")

    assert balances(paid) == (10_000, 0)


def test_a_second_reversal_is_refused_and_changes_nothing(officer, paid):
    confirm(officer, action_of(paid, "reverse"), reason="Paid twice")

    response = confirm(officer, action_of(paid, "reverse"), reason="Paid twice")

    assert refusal(response) == "It was already reversed, and can be reversed only once."
    assert balances(paid) == (10_000, 0)


def test_why_a_reversal_cannot_be_reversed_is_said_without_codes(officer, staff, paid):
    reversal = services.reverse(transfer_id=paid.pk, actor=staff)

    response = confirm(officer, action_of(reversal, "reverse"), reason="Wrong")

    assert refusal(response).startswith("Holds, voids and reversals can't be reversed.")


def test_several_reversals_are_listed_with_their_effects_before_they_are_made(
    officer, alice, bob, funded_account
):
    source, rich, poor = (
        funded_account(alice, 10_000),
        funded_account(bob, 100),
        funded_account(bob),
    )
    kept = transfer_order(source, poor, 40, actor=alice)
    services.withdraw(account_id=poor.pk, amount=30, actor=bob)
    returned = transfer_order(source, rich, 60, actor=alice)

    asked = reverse_several(officer, kept, returned)
    before = (balances(kept), balances(returned))
    response = reverse_several(officer, kept, returned, confirmed="yes", reason="Paid twice")

    why = f"{poor} has 0.10 USD available, and 0.40 USD is required."
    assert table(asked, "refused") == [[str(kept), why]]
    [[_, effects]] = table(asked, "possible")
    assert "alice: Balance 99.00 USD → 99.60 USD" in effects
    assert "bob: Balance 1.60 USD → 1.00 USD" in effects
    assert before == ((9_900, 10), (9_900, 160))
    assert [level for level, _ in sorted(messages_of(response))] == ["error", "success"]
    assert (balances(kept), balances(returned)) == ((9_960, 10), (9_960, 100))


def test_each_row_of_several_reversals_shows_its_memo_and_names_its_accounts(
    officer, alice, funded_account
):
    account = funded_account(alice)
    first, second = (
        services.deposit(account_id=account.pk, amount=amount, actor=alice, memo=memo)
        for amount, memo in ((500, "Cash & coins"), (200, None))
    )

    asked = reverse_several(officer, first, second)

    # The newest first.
    assert table(asked, "possible") == [
        [
            str(second),
            "alice: Balance 7.00 USD → 5.00 USD; Available 7.00 USD → 5.00 USD",
        ],
        [
            f"{first} Cash & coins",
            "alice: Balance 5.00 USD → 0.00 USD; Available 5.00 USD → 0.00 USD",
        ],
    ]


def test_the_preview_of_several_reversals_adds_up(officer, alice, bob, funded_account):
    source, dest = funded_account(alice, 10_000), funded_account(bob)
    paid = [transfer_order(source, dest, amount, actor=alice) for amount in (1_000, 2_000, 4_000)]
    services.withdraw(account_id=dest.pk, amount=1_500, actor=bob)

    asked = reverse_several(officer, *paid)

    # The newest first. What the second one takes is missing for the third.
    small, middle, large = paid
    assert [[row, effects.split("bob: ")[1]] for row, effects in table(asked, "possible")] == [
        [str(large), "Balance 55.00 USD → 15.00 USD; Available 55.00 USD → 15.00 USD"],
        [str(small), "Balance 15.00 USD → 5.00 USD; Available 15.00 USD → 5.00 USD"],
    ]
    why = f"{dest} has 15.00 USD available, and 20.00 USD is required."
    assert table(asked, "refused") == [[str(middle), why]]
    assert balances(large) == (3_000, 5_500)


def test_reversals_are_made_as_their_preview_has_shown(officer, alice, bob, funded_account):
    source, dest = funded_account(alice, 10_000), funded_account(bob)
    paid = [transfer_order(source, dest, amount, actor=alice) for amount in (1_000, 2_000, 4_000)]
    services.withdraw(account_id=dest.pk, amount=1_500, actor=bob)

    asked = reverse_several(officer, *paid)
    possible = [each["row"] for each in asked.context["possible"]]
    done = reverse_several(officer, *possible, confirmed="yes", reason="Paid twice")

    assert messages_of(done) == [("success", "2 transfers are now reversed.")]
    assert balances(paid[0]) == (8_000, 500)


def test_a_page_requires_the_permission_of_its_action(client, make_user, paid, hold):
    client.force_login(make_user("accounts.read_any", "transfers.move_cash", is_staff=True))
    pages = [action_of(paid, "reverse"), action_of(hold, "capture"), action_of(hold, "void")]

    responses = [
        *(client.get(path) for path in pages),
        *(confirm(client, path, reason="Paid twice", amount="1") for path in pages),
    ]

    assert {response.status_code for response in responses} == {403}
    assert [menu(client.get(page(each))) for each in (paid, hold)] == [[], []]
    reverse_several(client, paid, hold, confirmed="yes", reason="Paid twice")
    assert balances(paid) == (7_500, 2_500)


def test_reversing_a_deposit_requires_the_cash_permission_too(
    client, make_user, staff, alice, funded_account
):
    deposit = services.deposit(account_id=funded_account(alice).pk, amount=500, actor=staff)
    client.force_login(make_user("accounts.read_any", "transfers.reverse_any", is_staff=True))

    response = confirm(client, action_of(deposit, "reverse"), reason="Paid twice")

    assert refusal(response) == "This requires the permission transfers.move_cash."
    assert Transfer.objects.filter(reverses=deposit).count() == 0


def test_a_reversal_beyond_the_largest_balance_is_refused_with_the_account(
    officer, alice, bob, funded_account
):
    source, dest = funded_account(alice, 50), funded_account(bob)
    paid = transfer_order(source, dest, 50, actor=alice)
    services.deposit(account_id=source.pk, amount=MONEY_MAX, actor=alice)

    response = officer.get(action_of(paid, "reverse"))

    expected = "would exceed 90,071,992,547,409.91 USD, the most that an account can hold."
    assert refusal(response) == f"{source} {expected}"


def test_a_page_offers_only_what_is_possible(officer, paid, hold, bob):
    before = [menu(officer.get(page(each))) for each in (paid, hold)]
    reversal = services.reverse(transfer_id=paid.pk, actor=bob)
    void = services.void(hold_id=hold.pk, actor=bob)

    after = [menu(officer.get(page(each))) for each in (paid, hold, reversal, void)]

    assert before == [["Reverse"], ["Capture", "Void"]]
    assert after == [[]] * 4


# ── Holds ────────────────────────────────────────────────────────────────────────────────────────


def test_a_hold_is_voided_with_a_reason(officer, source, hold):
    asked = officer.get(action_of(hold, "void"))
    response = confirm(officer, action_of(hold, "void"), reason="Order cancelled")

    assert preview(asked)["alice"]["Held"] == ("2.40 USD", "0.00 USD")
    assert preview(asked)["alice"]["Available"] == ("7.60 USD", "10.00 USD")
    void = Transfer.objects.get(hold=hold)
    assert (void.kind, void.memo, response["Location"]) == (
        "VOID",
        "Order cancelled",
        page_of(source),
    )
    source.refresh_from_db()
    assert (source.balance, source.held) == (10_00, 0)


@pytest.mark.parametrize("amount", ["2.40", "1.00"])
def test_a_hold_is_captured_as_a_whole_or_in_part(officer, source, hold, amount):
    cents = int(amount.replace(".", ""))
    filled_in = officer.get(action_of(hold, "capture")).context["form"]["amount"].value()
    form = {"amount": amount, "reason": "Order shipped"}

    asked = officer.post(action_of(hold, "capture"), form)
    done = confirm(officer, action_of(hold, "capture"), **form)

    assert filled_in == "2.40"
    assert preview(asked)["bob"]["Balance"] == ("0.00 USD", f"{amount} USD")
    capture = Transfer.objects.get(hold=hold)
    assert (capture.kind, capture.amount, capture.memo) == ("CAPTURE", cents, "Order shipped")
    source.refresh_from_db()
    assert (source.balance, source.held) == (10_00 - cents, 0)
    [(level, message)] = messages_of(done)
    told = f"{amount} USD of the hold of 2.40 USD was captured: Capture {capture.pk}."
    assert (level, text_of(message)) == ("success", told)
    resolved_by = field(officer.get(page(hold)), "resolution_shown")
    assert resolved_by == f"Capture {capture.pk} of {amount} USD"


def test_more_than_a_hold_cannot_be_captured(officer, hold):
    form = {"amount": "2.41", "reason": "Order shipped"}

    refused = confirm(officer, action_of(hold, "capture"), **form)

    expected = "The hold reserves 2.40 USD, and 2.41 USD was requested."
    assert refusal(refused) == expected
    assert balances(hold) == (10_00, 0)


def test_a_hold_that_is_resolved_or_expired_is_refused(officer, source, dest, alice, bob, hold):
    expired = expired_hold(source, dest, 5, actor=alice)
    services.void(hold_id=hold.pk, actor=bob)

    refused = [confirm(officer, action_of(each, "void"), reason="x") for each in (hold, expired)]
    pages = [officer.get(action_of(each, "capture")) for each in (hold, expired)]

    expected = [
        "The hold was already captured or voided.",
        "The hold has expired. The ledger releases it by itself.",
    ]
    assert [refusal(each) for each in refused] == [refusal(each) for each in pages] == expected
    assert ['id="action-form"' in each.text for each in pages] == [False, False]
