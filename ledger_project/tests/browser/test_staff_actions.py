"""What staff do with an account, in a real browser."""

import pytest

from accounts.examples import ACCOUNT_ID, FROZEN_ACCOUNT_ID, OTHER_ACCOUNT_ID
from ledger_project.tests.browser.chromium import WIDTHS

pytestmark = [pytest.mark.one_database, pytest.mark.browser]

ACCOUNTS = "/admin/accounts/account"
ACCOUNT = f"{ACCOUNTS}/{ACCOUNT_ID}"
# A name for the picture, and the path.
PAGES = {
    "account": f"{ACCOUNT}/change/",
    "account-frozen": f"{ACCOUNTS}/{FROZEN_ACCOUNT_ID}/change/",
    "account-freeze": f"{ACCOUNT}/freeze/",
    "account-close": f"{ACCOUNT}/close/",
    "account-transfer": f"{ACCOUNT}/transfer/?all",
}


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_of_an_account_fit_the_window_and_are_accessible(faults_of, width):
    assert faults_of(PAGES, width) == {}


def balance(page) -> str:
    return page.locator(".figure-balance dd").inner_text().replace("\N{NO-BREAK SPACE}", " ")


def choose(page, action: str) -> None:
    """Open the menu of actions, and the page of one of them."""
    page.locator("summary").click()
    page.locator(".actions-menu").get_by_role("link", name=action, exact=True).click()


def test_staff_freeze_and_unfreeze_an_account_on_a_phone(open_window):
    with open_window(400) as window:
        window.log_in("admin", "admin")
        page = window.page
        page.goto(f"{ACCOUNTS}/{OTHER_ACCOUNT_ID}/change/")
        choose(page, "Freeze")
        page.get_by_label("Reason").fill("Card lost")
        page.get_by_role("button", name="Freeze").click()

        assert "Card lost" in page.locator("#why").inner_text()
        assert page.locator(".badge").first.inner_text() == "Frozen"
        choose(page, "Unfreeze")
        page.get_by_label("Reason").fill("Card found")
        page.get_by_role("button", name="Unfreeze").click()
        assert page.locator("#why").count() == 0


def test_a_double_click_adjusts_a_balance_once_after_a_preview(open_window, photograph):
    with open_window(1400) as window:
        window.log_in("admin", "admin")
        page = window.page
        page.goto(f"{ACCOUNT}/change/")
        before = balance(page)
        choose(page, "Transfer")
        page.get_by_label("Amount in USD").fill("5.00")
        page.get_by_label("To the account").fill("demo savings")
        page.get_by_label("Reason").fill("Wrong account")
        page.get_by_role("button", name="Preview").click()
        assert page.locator(".preview table").count() == 2
        photograph(window, "account-transfer-preview")
        now, afterwards = page.locator(".preview .changes td").all_inner_texts()[:2]
        page.get_by_role("button", name="Transfer").dblclick()
        page.locator(".figure-balance").wait_for()

        assert now.replace("\N{NO-BREAK SPACE}", " ") == before
        assert afterwards.replace("\N{NO-BREAK SPACE}", " ") == balance(page)
        assert "Wrong account" in page.locator("#statement tbody tr").first.inner_text()


def test_staff_void_a_hold_from_the_held_figure(open_window):
    with open_window(400) as window:
        window.log_in("admin", "admin")
        page = window.page
        page.goto("/admin/transfers/transfer/?kind__exact=HOLD&status=PENDING")
        page.locator("#result_list tbody th a").first.click()
        page.locator(".fieldBox.field-source_shown a").click()
        page.locator(".figure-held a").click()
        holds = page.locator("#holds tbody tr").count()
        page.locator("#holds").get_by_role("link", name="Void").first.click()
        page.get_by_label("Reason").fill("Order cancelled")
        page.get_by_role("button", name="Void").click()

        assert "is now voided" in page.locator(".messagelist").inner_text()
        rows = page.locator("#holds tbody tr")
        left = 0 if rows.first.inner_text() == "No open holds." else rows.count()
        assert left == holds - 1


def test_one_person_asks_for_a_large_deposit_and_another_approves_it(open_window):
    with open_window(1400) as maker, open_window(400) as checker:
        maker.log_in("admin", "admin")
        page = maker.page
        page.goto(f"{ACCOUNT}/change/")
        before = balance(page)
        choose(page, "Deposit")
        page.get_by_label("Amount in USD").fill("100000.00")
        page.get_by_label("Reason").fill("Sale of the house")
        page.get_by_role("button", name="Preview").click()
        assert page.locator("#must-wait").is_visible()
        promised = page.locator(".preview .changes td").nth(1).inner_text()
        page.get_by_role("button", name="Ask for approval").click()
        page.goto(f"{ACCOUNT}/change/")
        assert balance(page) == before

        checker.log_in("checker", "checker")
        page = checker.page
        page.get_by_role("link", name="100,000.00").click()
        choose(page, "Approve")
        page.get_by_label("Note").fill("Contract seen")
        page.get_by_role("button", name="Approve").click()
        assert page.locator(".badge").first.inner_text() == "Approved"

        maker.page.reload()
        assert balance(maker.page) == promised.replace("\N{NO-BREAK SPACE}", " ")
