"""``manage.py verify_ledger``: what it prints, and its exit status."""

import io
import json
import sys

import pytest
from django.core.management import call_command

from audit.ledger import check_ledger
from audit.tests.tampering import update_account, without_guards
from transfers.tests.rich_ledger import RichLedger, make_rich_ledger

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def book(funded_account, alice, staff) -> RichLedger:
    return make_rich_ledger(funded_account, alice, staff)


@pytest.fixture
def corrupted_book(book) -> RichLedger:
    with without_guards():
        update_account(book.euros, version=7)
    return book


def test_verify_ledger_prints_the_trial_balance_and_every_check(book, capsys):
    call_command("verify_ledger")

    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert lines[0] == "5 accounts, 26 transfers, 36 entries"
    dollars = ["USD", "192.99", "192.99", "152.00", "7.00", "-152.00"]
    assert dollars in [line.split() for line in lines]
    checks = check_ledger().checks
    assert [line.split()[1] for line in lines if line.startswith("  ok")] == [
        check.name for check in checks
    ]
    assert lines[-1] == f"All {len(checks)} checks passed."


def test_verify_ledger_prints_the_findings_and_exits_with_1(corrupted_book, capsys):
    with pytest.raises(SystemExit) as exit_:
        call_command("verify_ledger")

    assert exit_.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("FAIL"))
    assert lines[at].split()[:2] == ["FAIL", "account_version_counts_its_entries"]
    assert lines[at + 1].strip() == (
        f"{corrupted_book.euros.pk}: version 7, but entries: 1, last sequence: 1"
    )
    assert lines[-2:] == [
        "Amounts in findings are in minor units.",
        "1 finding in 1 check.",
    ]


def test_verify_ledger_counts_findings_beyond_the_first_ten(book, alice, funded_account, capsys):
    accounts = [funded_account(alice) for _ in range(12)]
    with without_guards():
        for account in accounts:
            update_account(account, version=7)

    with pytest.raises(SystemExit):
        call_command("verify_ledger")

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    shown = [line for line in lines if line.endswith("but entries: 0, last sequence: 0")]
    assert len(shown) == 10
    assert "and 2 more" in lines
    assert lines[-1] == "12 findings in 1 check."


def test_verify_ledger_prints_the_whole_report_as_json(corrupted_book, capsys):
    with pytest.raises(SystemExit) as exit_:
        call_command("verify_ledger", "--json")

    assert exit_.value.code == 1
    report = json.loads(capsys.readouterr().out)
    assert {**report, "checked_at": None} == {**check_ledger().as_dict(), "checked_at": None}
    assert report["ok"] is False
    assert report["checked_at"].endswith("Z")
    [failed] = [check for check in report["checks"] if not check["ok"]]
    assert failed == {
        "name": "account_version_counts_its_entries",
        "description": "A customer account's version is its last sequence and number of entries",
        "ok": False,
        "findings": 1,
        "examples": [
            {
                "subject": str(corrupted_book.euros.pk),
                "problem": "version 7, but entries: 1, last sequence: 1",
            }
        ],
    }


def test_verify_ledger_shows_a_progress_bar_on_a_terminal(book, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())

    call_command("verify_ledger")

    assert "Checking: 100%" in sys.stderr.getvalue()


def test_verify_ledger_shows_no_progress_bar_in_a_log(book, capsys):
    call_command("verify_ledger")

    assert capsys.readouterr().err == ""
