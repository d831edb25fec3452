"""Swagger UI in a real browser."""

import pytest

from ledger_project.tests.browser.chromium import WIDTHS

pytestmark = [pytest.mark.one_database, pytest.mark.browser]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_docs_fit_the_window(open_window, photograph, width):
    with open_window(width) as window:
        window.page.goto("/docs")
        window.page.locator(".opblock").first.wait_for()

        assert window.overflow() == 0
        photograph(window, "docs")


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
