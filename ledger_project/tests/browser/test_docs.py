"""Swagger UI in a real browser."""

import pytest
from playwright.sync_api import expect

from ledger_project.tests.browser.chromium import HEIGHT, PATIENCE, WIDTHS

pytestmark = [pytest.mark.one_database, pytest.mark.browser]


# Those with the most parameters and responses, and the longest examples.
TALLEST = (
    "Transfers-createTransfer",
    "Transfers-listTransfers",
    "Events-listEvents",
    "Webhooks-createWebhook",
)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_docs_fit_the_window_with_enough_contrast_and_short_operations(
    open_window, photograph, width
):
    heights = {}
    with open_window(width) as window:
        page = window.page
        page.goto("/docs")
        page.locator(".opblock").first.wait_for()
        photograph(window, "docs", whole=False)
        # Swagger UI shows a DELETE in a colour of its own.
        for name in (*TALLEST, "Webhooks-deleteWebhook"):
            operation = page.locator(f"#operations-{name}")
            operation.locator(".opblock-summary-control").click()
            operation.locator(".folded-response").last.wait_for()
            heights[name] = operation.bounding_box()["height"]

        # The other rules concern the elements of Swagger UI, which a style sheet can't change.
        faults = window.accessibility_faults()
        contrast = [fault for fault in faults if fault.startswith("color-contrast")]
        assert (window.overflow(), contrast) == (0, [])
    assert {name: tall for name, tall in heights.items() if tall > 2 * HEIGHT} == {}


def test_a_request_can_be_tried_out(open_window):
    with open_window(1400) as window:
        page = window.page
        page.goto("/docs")
        log_in = page.locator("#operations-Authentication-logIn")
        log_in.locator(".opblock-summary-control").click()
        log_in.locator("textarea").fill('{"username": "demo", "password": "demo"}')
        log_in.get_by_role("button", name="Execute").click()
        response = log_in.locator(".live-responses-table .response").first
        response.wait_for()

        assert response.locator(".response-col_status").inner_text().strip() == "200"


def test_an_error_response_is_opened_by_its_codes(open_window):
    with open_window(1400) as window:
        deposit = window.page.locator("#operations-Money-deposit")
        window.page.goto("/docs#/Money/deposit")
        errors = deposit.get_by_role("button", name="insufficient_scope · permission_denied")
        errors.click()

        deposit.get_by_text('"/docs#insufficient_scope"').wait_for()
        errors.click()
        deposit.get_by_text('"/docs#insufficient_scope"').wait_for(state="detached")


def test_operations_are_found_by_words_of_their_path_and_summary(open_window):
    with open_window(1400) as window:
        window.page.goto("/docs")
        window.page.locator(".opblock").first.wait_for()
        for words, count in {"Freeze": 2, " post  batch ": 1, "no such thing": 0}.items():
            window.page.get_by_label("Find operations").fill(words)

            expect(window.page.locator(".opblock:visible")).to_have_count(count, timeout=PATIENCE)
