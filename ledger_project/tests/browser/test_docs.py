"""Swagger UI in a real browser."""

from uuid import UUID

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


@pytest.fixture
def execute(open_window):
    """
    Return a function that executes an operation, with a key that is entered or with the example.

    It returns the status, the key that the command for curl shows, and the headers of the response.
    """
    with open_window(1400) as window:
        page = window.page
        page.goto("/docs")
        page.locator(".btn.authorize").click()
        dialog = page.locator(".auth-container").first
        tokens = page.request.post(
            "/auth/token", data={"username": "demo", "password": "demo"}
        ).json()
        dialog.locator("input").fill(tokens["access"])
        dialog.get_by_role("button", name="Apply credentials").click()
        page.locator(".close-modal").click()

        def click(name, key=None):
            operation = page.locator(f"#operations-{name}")
            if operation.locator(".btn.execute").count() == 0:
                operation.locator(".opblock-summary-control").click()
            if key is not None:
                operation.locator('[data-param-name="Idempotency-Key"] input').fill(key)
            with page.expect_response(lambda response: response.request.method == "POST") as got:
                operation.get_by_role("button", name="Execute").click()
            response = got.value
            sent = response.request.headers["idempotency-key"]
            curl = operation.locator(".curl-command")
            expect(curl).to_contain_text(f"Idempotency-Key: {sent}", timeout=PATIENCE)
            return response.status, sent, response.headers.get("idempotent-replayed")

        yield click


def test_each_execution_sends_a_new_key_in_place_of_the_example(execute):
    results = [
        execute("Money-deposit"),
        execute("Transfers-createTransfer"),
        execute("Money-deposit"),
    ]

    assert [(status, replayed) for status, _, replayed in results] == [
        (200, None),
        (201, None),
        (200, None),
    ]
    assert len({str(UUID(key)) for _, key, _ in results}) == 3
    assert {UUID(key).version for _, key, _ in results} == {4}


def test_a_key_that_was_entered_is_sent_as_it_is_so_a_retry_is_replayed(execute):
    results = [execute("Money-deposit", key="rent-2026-01") for _ in range(2)]

    assert results == [(200, "rent-2026-01", None), (200, "rent-2026-01", "true")]


def test_an_error_response_is_opened_by_its_codes(open_window):
    with open_window(1400) as window:
        deposit = window.page.locator("#operations-Money-deposit")
        window.page.goto("/docs#/Money/deposit")
        errors = deposit.get_by_role("button", name="insufficient_scope · permission_denied")
        errors.click()

        deposit.get_by_text('"/docs#insufficient_scope"').wait_for()
        errors.click()
        deposit.get_by_text('"/docs#insufficient_scope"').wait_for(state="detached")


def test_a_parameter_shows_what_its_values_mean(open_window):
    with open_window(1400) as window:
        window.page.goto("/docs#/Accounts/listAccounts")
        status = window.page.locator('tr[data-param-name="status"]')

        expect(status).to_contain_text("Only accounts with this status.", timeout=PATIENCE)
        expect(status).to_contain_text("FROZEN: no money moves", timeout=PATIENCE)


def test_operations_are_found_by_words_of_their_path_and_summary(open_window):
    with open_window(1400) as window:
        window.page.goto("/docs")
        window.page.locator(".opblock").first.wait_for()
        for words, count in {"Freeze": 2, " post  batch ": 1, "no such thing": 0}.items():
            window.page.get_by_label("Find operations").fill(words)

            expect(window.page.locator(".opblock:visible")).to_have_count(count, timeout=PATIENCE)
