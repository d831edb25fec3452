"""The lists of the admin and its home page in a real browser."""

import pytest

from events.webhooks.examples import DELIVERY_ID, WEBHOOK_ID
from ledger_project.tests.browser.chromium import WIDTHS
from transfers.approvals.examples import APPROVAL_ID

pytestmark = [pytest.mark.one_database, pytest.mark.browser]

# One that another user has requested.
APPROVAL = f"/admin/approvals/approval/{APPROVAL_ID}"
# A name for the picture, and the path.
PAGES = {
    "home": "/admin/",
    "find": "/admin/find/?q=grocer",
    "accounts": "/admin/accounts/account/",
    "transfers": "/admin/transfers/transfer/?q=groceries",
    "approvals": "/admin/approvals/approval/",
    "approval": f"{APPROVAL}/change/",
    "approval-approve": f"{APPROVAL}/approve/",
    "keys": "/admin/idempotency/idempotencykey/",
    "service-keys": "/admin/service_keys/servicekey/",
    "webhooks": "/admin/webhooks/endpoint/",
    "webhook": f"/admin/webhooks/endpoint/{WEBHOOK_ID}/change/",
    "webhook-disable": f"/admin/webhooks/endpoint/{WEBHOOK_ID}/disable/",
    "delivery": f"/admin/webhooks/delivery/{DELIVERY_ID}/change/",
    "delivery-retry": f"/admin/webhooks/delivery/{DELIVERY_ID}/retry/",
    "users": "/admin/auth/user/",
    "user": "/admin/auth/user/1/change/",
    "user-add": "/admin/auth/user/add/",
    "group": "/admin/auth/group/1/change/",
    "group-add": "/admin/auth/group/add/",
    "service-key-add": "/admin/service_keys/servicekey/add/",
    "password": "/admin/password_change/",
}


@pytest.mark.parametrize("width", WIDTHS)
def test_each_page_fits_the_window_and_is_accessible(faults_of, width):
    assert faults_of(PAGES, width) == {}


def test_no_list_is_wider_than_a_phone(open_window):
    lists = (
        *("accounts/account", "accounts/accountchange", "transfers/transfer", "events/event"),
        *("transfers/ledgerentry", "idempotency/idempotencykey", "webhooks/endpoint"),
        *("webhooks/delivery", "service_keys/servicekey", "auth/user", "auth/group"),
        "approvals/approval",
    )
    faults = {}
    with open_window(400) as window:
        window.log_in("admin", "admin")
        for each in lists:
            window.page.goto(f"/admin/{each}/")
            cut_off = window.page.locator("#changelist-form .results").evaluate(
                "place => place.scrollWidth - place.clientWidth"
            )
            if (found := [cut_off, *window.accessibility_faults()]) != [0]:
                faults[each] = found

    assert faults == {}
