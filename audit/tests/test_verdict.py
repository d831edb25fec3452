"""``GET /integrity`` of a ledger that is too large to be audited during the request."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import JSONField, Value

from accounts.models import Account
from api.instants import instant
from audit import verdict
from audit.models import Verdict
from audit.tests.tampering import update_account, without_guards
from ledger_project.metrics import imbalance
from transfers import clock, services
from transfers.guards import guards
from transfers.models import LedgerEntry, Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def large_ledger(monkeypatch, alice, funded_account) -> Account:
    """Return an account of a ledger that counts as large."""
    monkeypatch.setattr(verdict, "AT_ONCE", 3)
    return funded_account(alice, balance=5_00)


@pytest.fixture
def integrity(client_for, staff):
    """Return a function that sends ``GET /integrity`` and returns the status and the body."""

    def get():
        response = client_for(staff).get("/integrity")
        return response.status_code, response.json()

    return get


def verify_a_corrupted_ledger() -> None:
    with pytest.raises(SystemExit):
        call_command("verify_ledger")


def failed_checks(body) -> list[str]:
    return [check["name"] for check in body["checks"] if not check["ok"]]


def test_a_large_ledger_that_was_never_verified_is_503(large_ledger, client_for, staff):
    response = client_for(staff).get("/integrity")

    assert (response.status_code, response.json()["code"]) == (503, "temporarily_unavailable")
    assert "verify_ledger" in response.json()["detail"]
    assert int(response["Retry-After"]) >= 1


def test_a_large_ledger_returns_the_last_stored_report(large_ledger, integrity, alice):
    call_command("verify_ledger")
    status, body = integrity()
    services.deposit(account_id=large_ledger.pk, amount=1, actor=alice)
    later = integrity()

    assert (status, body["ok"], body["entries"]) == (200, True, 2)
    assert later == (status, body)
    call_command("verify_ledger")
    newest = integrity()[1]
    assert (newest["entries"], newest["checked_at"] > body["checked_at"]) == (4, True)
    assert Verdict.objects.count() == 1


def test_a_stored_report_older_than_48_hours_is_503(large_ledger, integrity):
    call_command("verify_ledger")
    stored = Verdict.objects.get()

    def get_after(**age):
        made = clock.now() - timedelta(**age)
        stored.report["checked_at"] = instant(made)
        stored.save()
        return integrity()

    fresh, stale = get_after(hours=47), get_after(hours=48, seconds=1)
    call_command("verify_ledger")

    assert (fresh[0], fresh[1]["ok"], failed_checks(fresh[1])) == (200, True, [])
    assert (stale[0], stale[1]["ok"], failed_checks(stale[1])) == (
        503,
        False,
        ["verified_recently"],
    )
    assert stale[1]["checked_at"] == stored.report["checked_at"]
    assert stale[1]["checks"][-1]["examples"] == [
        {
            "subject": stored.report["checked_at"],
            "problem": "the last run of `manage.py verify_ledger` is too old",
        }
    ]
    assert integrity()[0] == 200


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(days=30_000)])
def test_a_stored_report_dated_in_the_future_is_503(large_ledger, integrity, ahead):
    call_command("verify_ledger")
    stored = Verdict.objects.get()
    stored.report["checked_at"] = instant(clock.now() + ahead)
    stored.save()

    status, body = integrity()

    assert (status, body["ok"], failed_checks(body)) == (503, False, ["verified_recently"])
    assert body["checks"][-1]["examples"] == [
        {
            "subject": stored.report["checked_at"],
            "problem": "the last run of `manage.py verify_ledger` is dated in the future",
        }
    ]
    call_command("verify_ledger")
    assert integrity()[0] == 200


def first_check(**changed) -> Callable[[dict], dict]:
    return lambda report: {
        **report,
        "checks": [{**report["checks"][0], **changed}, *report["checks"][1:]],
    }


UNREADABLE = {
    "nothing": lambda report: {},
    "a list": lambda report: [],
    "null": lambda report: Value(None, JSONField()),
    "a string": lambda report: "ok",
    "no currencies": lambda report: {**report, "currencies": None},
    "a currency without figures": lambda report: {**report, "currencies": [{}]},
    "a figure that is a string": lambda report: {
        **report,
        "currencies": [{**report["currencies"][0], "debits": "5"}, *report["currencies"][1:]],
    },
    "no time": lambda report: {**report, "checked_at": None},
    "an invalid time": lambda report: {**report, "checked_at": "yesterday"},
    "a time without a time zone": lambda report: {
        **report,
        "checked_at": report["checked_at"][:-1],
    },
    "no checks": lambda report: {**report, "checks": []},
    "missing checks": lambda report: {k: v for k, v in report.items() if k != "checks"},
    "a check whose name is a list": first_check(name=[]),
    "a check with an additional member": first_check(severity="high"),
    "a failed check without findings": first_check(ok=False),
    "a failed report without failed checks": lambda report: {**report, "ok": False},
    "no days": lambda report: {k: v for k, v in report.items() if k != "days"},
    "days of different numbers": lambda report: {**report, "days": {"USD": [1], "EUR": [1, 2]}},
    "a day without a figure": lambda report: {**report, "days": {"USD": [None]}},
}


def test_a_stored_report_that_cannot_be_read_counts_as_none(
    large_ledger, client, client_for, staff, subtests
):
    call_command("verify_ledger")
    intact, reader = Verdict.objects.get().report, client_for(staff)
    for name, edit in UNREADABLE.items():
        with subtests.test(name):
            assert Verdict.objects.update(report=edit(intact)) == 1

            assert_counts_as_none(client, reader)


def test_a_stored_report_that_is_nested_too_deeply_counts_as_none(
    large_ledger, client, client_for, staff
):
    call_command("verify_ledger")
    # Newer versions of SQLite store no JSON that is nested more than 1,000 deep.
    nested = "[" * 995 + "]" * 995
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_verdict SET report = %s", [nested])

    assert_counts_as_none(client, client_for(staff))


def assert_counts_as_none(client, staff_client) -> None:
    imbalance.read.clear()

    response, metrics = staff_client.get("/integrity"), client.get("/metrics")

    assert (response.status_code, response.json()["code"]) == (503, "temporarily_unavailable")
    assert metrics.status_code == 200
    assert "ledger_imbalance{" not in metrics.text
    call_command("verify_ledger")
    imbalance.read.clear()
    assert staff_client.get("/integrity").status_code == 200
    assert 'ledger_imbalance{currency="USD"} 0.0' in client.get("/metrics").text


def test_integrity_of_a_large_ledger_reads_a_bounded_number_of_rows(large_ledger, integrity):
    call_command("verify_ledger")
    reads = []

    def listen(execute, sql, params, many, context):
        reads.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        integrity()

    of_entries = [sql for sql in reads if "transfers_ledgerentry" in sql]
    assert of_entries != []
    bounded = ("EXPLAIN", "PRAGMA")
    assert [sql for sql in of_entries if "LIMIT 4" not in sql and not sql.startswith(bounded)] == []


def test_a_stored_report_with_findings_is_503_until_the_next_verification(large_ledger, integrity):
    with without_guards():
        update_account(large_ledger, version=7)
    verify_a_corrupted_ledger()
    broken = integrity()
    with without_guards():
        update_account(large_ledger, version=1)
    still = integrity()
    call_command("verify_ledger")

    assert (broken[0], failed_checks(broken[1])) == (503, ["account_version_counts_its_entries"])
    assert still == broken
    assert integrity()[0] == 200


def test_the_schema_of_a_large_ledger_is_checked_in_every_request(large_ledger, integrity):
    call_command("verify_ledger")
    name = guards.names(connection)[0]
    guards.drop(connection, name)
    missed = integrity()
    guards.install(connection)

    assert (missed[0], missed[1]["ok"]) == (503, False)
    assert failed_checks(missed[1]) == ["schema_has_every_guard"]
    assert integrity()[0] == 200


def test_a_small_ledger_is_audited_in_every_request(integrity, alice, funded_account, monkeypatch):
    euros = funded_account(alice, balance=5_00)
    rows = sum(model.objects.count() for model in (LedgerEntry, Transfer, Account))
    monkeypatch.setattr(verdict, "AT_ONCE", rows)
    call_command("verify_ledger")
    with without_guards():
        update_account(euros, version=7)

    status, body = integrity()

    assert (status, failed_checks(body)) == (503, ["account_version_counts_its_entries"])
    monkeypatch.setattr(verdict, "AT_ONCE", rows - 1)
    assert integrity()[0] == 200


@pytest.mark.django_db(transaction=True)
def test_verify_ledger_works_on_a_read_only_database(capsys):
    read_only, again = (
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF")
        if connection.vendor == "sqlite"
        else (f"SET default_transaction_read_only = {value}" for value in ("on", "off"))
    )
    with connection.cursor() as cursor:
        cursor.execute(read_only)
        call_command("verify_ledger")
        cursor.execute(again)

    printed = capsys.readouterr()
    assert "checks passed." in printed.out
    assert "couldn't be stored for GET /integrity" in printed.err
    assert not Verdict.objects.exists()
