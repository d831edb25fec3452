"""``GET /integrity`` of a ledger that is too large to be audited while somebody waits."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import Account
from audit import verdict
from audit.models import Verdict
from audit.tests.tampering import account, without_guards
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
        kept.report["checked_at"] = made.isoformat().replace("+00:00", "Z")
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
