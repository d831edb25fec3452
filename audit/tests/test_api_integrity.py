"""``GET /integrity``: the audit over HTTP."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.ledger import check_ledger
from audit.tests.tampering import update_account, without_guards
from transfers.tests.rich_ledger import RichLedger, make_rich_ledger

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(funded_account, alice, staff) -> RichLedger:
    return make_rich_ledger(funded_account, alice, staff)


def test_integrity_returns_the_trial_balance_and_the_result_of_every_check(book, client_for, staff):
    response = client_for(staff).get("/integrity")

    assert response.status_code == 200
    body = response.json()
    assert {**body, "checked_at": None} == {**check_ledger().as_dict(), "checked_at": None}
    assert body["ok"] is True
    assert body["currencies"][3] == {
        "currency": "USD",
        "accounts": 4,
        "externals": 1,
        "debits": 192_99,
        "credits": 192_99,
        "customers": 152_00,
        "held": 7_00,
        "external": -152_00,
    }


def test_integrity_of_a_corrupted_ledger_is_503_with_the_findings(book, client_for, staff):
    with without_guards():
        update_account(book.euros, version=7)

    response = client_for(staff).get("/integrity")

    assert response.status_code == 503
    assert response.json()["ok"] is False
    [failed] = [check for check in response.json()["checks"] if not check["ok"]]
    assert failed == {
        "name": "account_version_counts_its_entries",
        "description": "A customer account's version is its last sequence and number of entries",
        "ok": False,
        "findings": 1,
        "examples": [
            {
                "subject": str(book.euros.pk),
                "problem": "version 7, but entries: 1, last sequence: 1",
            }
        ],
    }


@pytest.mark.parametrize(("who", "status"), [("alice", 403), (None, 401)])
def test_integrity_requires_permission_to_read_every_account(request, client_for, who, status):
    user = request.getfixturevalue(who) if who else None

    response = client_for(user).get("/integrity")

    assert response.status_code == status


def test_a_refused_integrity_names_the_permission(client_for, alice):
    response = client_for(alice).get("/integrity")

    assert response.json()["detail"] == "This requires the permission accounts.read_any."


def test_integrity_takes_a_constant_number_of_queries(
    book, client_for, alice, staff, funded_account
):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client_for(staff).get("/integrity")
        return len(captured)

    before = queries()
    for _ in range(3):
        funded_account(alice, balance=5_00)

    assert queries() == before


def test_integrity_refuses_unknown_query_parameters(client_for, staff):
    response = client_for(staff).get("/integrity?verbose=1")

    assert response.status_code == 422
