"""The admin's actions that move money into and out of an account."""

import re

import pytest

from accounts import services as account_services
from accounts.models import Account
from accounts.tests.admin_pages import action_of, confirm, messages_of, page_of, preview, refusal
from transfers import services
from transfers.models import Transfer

pytestmark = pytest.mark.django_db


def made() -> list[tuple]:
    """Return the transfers by staff: kind, amount, memo and who made them."""
    by_staff = Transfer.objects.filter(created_by__username="staff").order_by("pk")
    return list(by_staff.values_list("kind", "amount", "memo", "created_by__username"))


def balance(account) -> int:
    return Account.objects.get(pk=account.pk).balance


@pytest.mark.parametrize(
    ("name", "kind", "done", "after"),
    [
        ("deposit", "DEPOSIT", "deposited", 10_00 + 2_50),
        ("withdraw", "WITHDRAWAL", "withdrawn", 10_00 - 2_50),
    ],
)
def test_cash_is_moved_after_a_preview(officer, source, name, kind, done, after):
    form = {"amount": "2.50", "reason": "Till was wrong"}

    asked = officer.post(action_of(source, name), form)
    moved_by_asking = made()
    response = confirm(officer, action_of(source, name), **form)

    assert preview(asked)["alice"]["Balance"] == ("10.00 USD", f"{after // 100}.50 USD")
    assert moved_by_asking == []
    assert made() == [(kind, 2_50, "Till was wrong", "staff")]
    assert (balance(source), response["Location"]) == (after, page_of(source))
    [(level, text)] = messages_of(response)
    posted = Transfer.objects.latest("pk")
    assert (level, str(posted.pk) in text) == ("success", True)
    assert text.startswith(f"2.50\N{NO-BREAK SPACE}USD was {done}: <a ")


def test_a_transfer_shows_both_balances_before_and_after(officer, source, dest):
    form = {"amount": "4.00", "dest": str(dest.pk), "reason": "Wrong account"}

    asked = officer.post(action_of(source, "transfer"), form)
    confirm(officer, action_of(source, "transfer"), **form)

    figures = {name: each["Balance"] for name, each in preview(asked).items()}
    assert figures == {"alice": ("10.00 USD", "6.00 USD"), "bob": ("0.00 USD", "4.00 USD")}
    html = asked.content.decode()
    entered = ["4.00\N{NO-BREAK SPACE}USD", str(dest), "Wrong account"]
    assert [f"<dd>{each}</dd>" in html for each in entered] == [True] * 3
    assert made() == [("TRANSFER", 4_00, "Wrong account", "staff")]
    assert (balance(source), balance(dest)) == (6_00, 4_00)


def test_staff_are_told_if_the_figures_had_changed_since_the_preview(officer, source):
    form = {"amount": "4.00", "reason": "Till"}
    asked = [officer.post(action_of(source, "withdraw"), form).context for _ in range(2)]
    first, second = [{**form, "previewed": each["previewed"]} for each in asked]

    as_shown = confirm(officer, action_of(source, "withdraw"), **first)
    changed = confirm(officer, action_of(source, "withdraw"), **second)

    told = [messages_of(each) for each in (as_shown, changed)]
    assert [[level for level, _ in each] for each in told] == [
        ["success"],
        ["success", "success", "warning"],
    ]
    expected = "The figures had changed since the preview. The balance is now: alice 2.00 USD."
    assert told[1][-1][1].replace("\N{NO-BREAK SPACE}", " ") == expected
    assert balance(source) == 2_00


def test_the_fields_can_be_changed_after_the_preview(officer, source):
    form = {"amount": "2.50", "reason": "Till", "form_key": "01900000-0000-7000-8000-000000000001"}

    response = officer.post(action_of(source, "deposit"), {**form, "edit": "Change the form"})

    assert response.context["form"]["amount"].value() == "2.50"
    assert b'value="Preview"' in response.content
    assert made() == []


def choices(response) -> list[str]:
    """Return the ids of the accounts that a page offers as the destination."""
    button = r'<button type="submit" form="action-form" name="dest" value="(.*?)">'
    return re.findall(button, response.content.decode())


def test_other_accounts_of_the_owner_are_suggested(officer, source, dest, alice, funded_account):
    other = funded_account(alice)
    funded_account(alice, currency="EUR")

    page = officer.get(action_of(source, "transfer"))

    # The button sends what is entered in the form, too.
    assert choices(page) == [str(other.pk)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"amount": "10.01"}, "It has 10.00 USD available, and 10.01 USD is required."),
        ({"dest": "frozen"}, "bob USD {frozen} is frozen. Unfreeze it first."),
        (
            {"dest": "euros"},
            "The source has the currency USD and the destination EUR. Use two accounts with the "
            "same currency.",
        ),
        ({"dest": "source"}, "Cannot transfer to the same account"),
    ],
)
def test_a_refusal_is_shown_and_changes_nothing(
    officer, staff, source, dest, bob, funded_account, change, why
):
    accounts = {
        "source": source,
        "frozen": funded_account(bob),
        "euros": funded_account(bob, currency="EUR"),
    }
    account_services.freeze(account_id=accounts["frozen"].pk, actor=staff)
    ids = {name: account.pk for name, account in accounts.items()}
    form = {"amount": "1", "dest": str(dest.pk), "reason": "Wrong account"}
    form |= {name: str(ids.get(value, value)) for name, value in change.items()}

    asked = officer.post(action_of(source, "transfer"), form)
    refused = confirm(officer, action_of(source, "transfer"), **form)

    assert [refusal(each) for each in (asked, refused)] == [why.format(**ids)] * 2
    assert (made(), balance(source), balance(dest)) == ([], 10_00, 0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "1.001"}, "amount"),
        ({"dest": "01900000-0000-7000-8000-000000000009"}, "dest"),
        ({"dest": "nobody"}, "dest"),
        ({"reason": "x" * 141}, "reason"),
        ({"reason": ""}, "reason"),
    ],
)
def test_an_invalid_field_is_shown_again(officer, source, dest, change, field):
    form = {"amount": "1", "dest": str(dest.pk), "reason": "Wrong account", **change}

    response = confirm(officer, action_of(source, "transfer"), **form)

    assert list(response.context["form"].errors) == [field]
    assert made() == []


@pytest.mark.parametrize("words", ["BOB", "bob usd", "ending"])
def test_the_destination_is_found_by_words_and_confirmed_by_its_id(officer, source, dest, words):
    words = str(dest.pk)[-6:] if words == "ending" else words
    form = {"amount": "4.00", "dest": words, "reason": "Wrong account"}

    asked = officer.post(action_of(source, "transfer"), form)

    assert preview(asked)["bob"]["Balance"] == ("0.00 USD", "4.00 USD")
    assert f'name="dest" value="{dest.pk}"' in asked.content.decode()
    assert made() == []


def test_several_destinations_that_match_are_listed(officer, source, dest, bob, funded_account):
    other = funded_account(bob, 0)
    form = {"amount": "1", "dest": "bob", "reason": "Wrong account"}

    response = officer.post(action_of(source, "transfer"), form)

    [error] = response.context["form"].errors["dest"]
    assert error == "Several accounts match this. Choose one below."
    assert choices(response) == [str(other.pk), str(dest.pk)]
    assert made() == []


def test_the_chosen_account_replaces_what_was_entered(officer, source, dest):
    # A browser sends the value of the button after that of the field.
    form = {"amount": "4.00", "dest": ["bob", str(dest.pk)], "reason": "Wrong account"}

    asked = officer.post(action_of(source, "transfer"), form)

    assert preview(asked)["bob"]["Balance"] == ("0.00 USD", "4.00 USD")


def test_too_many_destinations_that_match_are_not_listed(officer, source, bob, funded_account):
    for _ in range(6):
        funded_account(bob, 0)
    form = {"amount": "1", "dest": "bob", "reason": "Wrong account"}

    response = officer.post(action_of(source, "transfer"), form)

    [error] = response.context["form"].errors["dest"]
    assert error == "Too many accounts match this. Enter more of the name, or an id."


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("alice", "alice matches this, but it is this account itself."),
        ("dora", "dora matches this, but its currency is EUR."),
        ("emil", "emil matches this, but it is frozen."),
        ("carol", "No other open USD account matches this."),
        ("000002", "No other open USD account matches this."),
    ],
)
def test_words_of_no_other_account_are_refused(
    officer, staff, bob, source, dest, funded_account, words, why
):
    funded_account(bob, 0, owner_name="dora", currency="EUR")
    frozen = funded_account(bob, 0, owner_name="emil")
    account_services.freeze(account_id=frozen.pk, actor=staff)
    form = {"amount": "1", "dest": words, "reason": "Wrong account"}

    response = officer.post(action_of(source, "transfer"), form)

    [error] = response.context["form"].errors["dest"]
    assert error == why


def test_a_transfer_is_not_confirmed_by_words(officer, source, dest):
    form = {"amount": "1", "dest": "bob", "reason": "Wrong account"}

    response = confirm(officer, action_of(source, "transfer"), **form)

    [error] = response.context["form"].errors["dest"]
    assert error == "Only the account that a preview has shown can be confirmed."
    assert (made(), balance(dest)) == ([], 0)


def test_a_balance_that_changes_after_the_preview_is_checked_again(officer, alice, source, dest):
    form = {"amount": "10.00", "dest": str(dest.pk), "reason": "Closing"}
    officer.post(action_of(source, "transfer"), form)
    services.withdraw(account_id=source.pk, amount=1, actor=alice)

    refused = confirm(officer, action_of(source, "transfer"), **form)

    assert refusal(refused) == "It has 9.99 USD available, and 10.00 USD is required."
    assert (made(), balance(dest)) == ([], 0)


@pytest.mark.parametrize("name", ["deposit", "withdraw", "transfer"])
def test_the_page_of_a_movement_on_a_frozen_account_has_no_form(officer, staff, source, name):
    account_services.freeze(account_id=source.pk, actor=staff)
    path = action_of(source, name)

    pages = [officer.get(path), confirm(officer, path, amount="1", reason="As asked", dest="")]

    assert {refusal(page) for page in pages} == {"The account is frozen. Unfreeze it first."}
    assert ['id="action-form"' in page.text for page in pages] == [False, False]
    assert balance(source) == 10_00


def test_a_limit_can_be_set_while_the_account_is_frozen(officer, staff, source):
    account_services.freeze(account_id=source.pk, actor=staff)
    path = action_of(source, "limit")

    page = officer.get(path)
    confirm(officer, path, overdraft_limit="5", reason="As asked")

    assert (refusal(page), Account.objects.get(pk=source.pk).overdraft_limit) == (None, 5_00)
