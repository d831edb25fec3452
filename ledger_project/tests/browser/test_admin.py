"""The lists of the admin and its home page in a real browser."""

import pytest

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
    "users": "/admin/auth/user/",
}


@pytest.mark.parametrize("width", WIDTHS)
def test_each_page_fits_the_window_and_is_accessible(faults_of, width):
    assert faults_of(PAGES, width) == {}
