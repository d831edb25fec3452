"""``GET /integrity`` of a ledger that is too large to be audited while somebody waits."""

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
from audit.tests.tampering import account, without_guards
from ledger_project.metrics import imbalance
from transfers import clock, guards, services
from transfers.models import LedgerEntry, Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def large(monkeypatch, alice, funded_account) -> Account:
    """An account of a ledger that counts as a large one."""
    monkeypatch.setattr(verdict, "AT_ONCE", 3)
    return funded_account(alice, balance=5_00)


@pytest.fixture
def integrity(client_for, staff):
    """Return a function that asks for the verdict, and returns status and body."""

    def ask():
        answer = client_for(staff).get("/integrity")
        return answer.status_code, answer.json()

    return ask


def find_it_broken() -> None:
    with pytest.raises(SystemExit):
        call_command("verify_ledger")


def failing(body) -> list[str]:
    return [check["name"] for check in body["checks"] if not check["ok"]]


def test_before_it_was_ever_verified_a_large_ledger_has_no_verdict(large, client_for, staff):
    answer = client_for(staff).get("/integrity")

    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert "verify_ledger" in answer.json()["detail"]
    assert int(answer["Retry-After"]) >= 1


def test_a_large_ledger_has_the_verdict_of_when_it_was_last_verified(large, integrity, alice):
    call_command("verify_ledger")
    status, body = integrity()
    services.deposit(account_id=large.pk, amount=1, actor=alice)
    later = integrity()

    assert (status, body["ok"], body["entries"]) == (200, True, 2)
    assert later == (status, body)
    call_command("verify_ledger")
    newest = integrity()[1]
    assert (newest["entries"], newest["checked_at"] > body["checked_at"]) == (4, True)
    assert Verdict.objects.count() == 1


def test_a_verdict_of_more_than_two_days_ago_is_503_until_it_is_verified_again(large, integrity):
    call_command("verify_ledger")
    kept = Verdict.objects.get()

    def ask_after(**age):
        made = clock.now() - timedelta(**age)
        kept.report["checked_at"] = instant(made)
        kept.save()
        return integrity()

    fresh, stale = ask_after(hours=47), ask_after(hours=48, seconds=1)
    call_command("verify_ledger")

    assert (fresh[0], fresh[1]["ok"], failing(fresh[1])) == (200, True, [])
    assert (stale[0], stale[1]["ok"], failing(stale[1])) == (503, False, ["verified_recently"])
    assert stale[1]["checked_at"] == kept.report["checked_at"]
    assert stale[1]["checks"][-1]["examples"] == [
        {
            "subject": kept.report["checked_at"],
            "problem": "the last run of `manage.py verify_ledger` is too old",
        }
    ]
    assert integrity()[0] == 200


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(days=30_000)])
def test_a_verdict_that_is_dated_in_the_future_is_503_until_it_is_verified_again(
    large, integrity, ahead
):
    call_command("verify_ledger")
    kept = Verdict.objects.get()
    kept.report["checked_at"] = instant(clock.now() + ahead)
    kept.save()

    status, body = integrity()

    assert (status, body["ok"], failing(body)) == (503, False, ["verified_recently"])
    assert body["checks"][-1]["examples"] == [
        {
            "subject": kept.report["checked_at"],
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
    "a text": lambda report: "ok",
    "no currencies": lambda report: {**report, "currencies": None},
    "a currency without its figures": lambda report: {**report, "currencies": [{}]},
    "a figure that is a text": lambda report: {
        **report,
        "currencies": [{**report["currencies"][0], "debits": "5"}, *report["currencies"][1:]],
    },
    "no time": lambda report: {**report, "checked_at": None},
    "a time that isn't one": lambda report: {**report, "checked_at": "yesterday"},
    "a time without its zone": lambda report: {**report, "checked_at": report["checked_at"][:-1]},
    "no checks": lambda report: {**report, "checks": []},
    "checks that are missing": lambda report: {k: v for k, v in report.items() if k != "checks"},
    "a check of a name that is a list": first_check(name=[]),
    "a check with a member more": first_check(severity="high"),
    "a check whose findings contradict it": first_check(ok=False),
    "a result that its checks contradict": lambda report: {**report, "ok": False},
}


@pytest.mark.parametrize("edit", UNREADABLE.values(), ids=UNREADABLE)
def test_a_verdict_that_cannot_be_read_counts_as_none(large, client, client_for, staff, edit):
    call_command("verify_ledger")
    Verdict.objects.update(report=edit(Verdict.objects.get().report))
    imbalance.read_at = float("-inf")

    answer, metrics = client_for(staff).get("/integrity"), client.get("/metrics")

    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert metrics.status_code == 200
    assert "ledger_imbalance{" not in metrics.text
    call_command("verify_ledger")
    imbalance.read_at = float("-inf")
    assert client_for(staff).get("/integrity").status_code == 200
    assert 'ledger_imbalance{currency="USD"} 0.0' in client.get("/metrics").text


def test_no_history_is_read_for_it(large, integrity):
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


def test_a_large_ledger_that_was_found_broken_is_503_until_it_is_verified_again(large, integrity):
    with without_guards():
        account(large, version=7)
    find_it_broken()
    broken = integrity()
    with without_guards():
        account(large, version=1)
    still = integrity()
    call_command("verify_ledger")

    assert (broken[0], failing(broken[1])) == (503, ["account_version_counts_its_entries"])
    assert still == broken
    assert integrity()[0] == 200


def test_what_protects_a_large_ledger_is_checked_at_once(large, integrity):
    call_command("verify_ledger")
    name = guards.names(connection)[0]
    guards.drop(connection, name)
    missed = integrity()
    guards.install(connection)

    assert (missed[0], missed[1]["ok"]) == (503, False)
    assert failing(missed[1]) == ["schema_has_every_guard"]
    assert integrity()[0] == 200


def test_a_small_ledger_is_audited_anew_whatever_was_found_before(
    integrity, alice, funded_account, monkeypatch
):
    euros = funded_account(alice, balance=5_00)
    rows = sum(model.objects.count() for model in (LedgerEntry, Transfer, Account))
    monkeypatch.setattr(verdict, "AT_ONCE", rows)
    call_command("verify_ledger")
    with without_guards():
        account(euros, version=7)

    status, body = integrity()

    assert (status, failing(body)) == (503, ["account_version_counts_its_entries"])
    monkeypatch.setattr(verdict, "AT_ONCE", rows - 1)
    assert integrity()[0] == 200


@pytest.mark.django_db(transaction=True)
def test_a_ledger_that_can_only_be_read_is_verified_all_the_same(capsys):
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
    assert "checks hold." in printed.out
    assert "not kept for GET /integrity" in printed.err
    assert not Verdict.objects.exists()
