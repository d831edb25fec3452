"""``manage.py verify_ledger``: what it prints, and the exit code that a cron job relies on."""

import io
import json
import sys

import pytest
from django.core.management import call_command

from audit.ledger import check_ledger
from audit.tests.tampering import account, without_guards
from transfers.tests.rich_ledger import RichLedger, make_rich_ledger

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    """What is printed for a person to see."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def book(funded_account, alice, staff) -> RichLedger:
    return make_rich_ledger(funded_account, alice, staff)


@pytest.fixture
def broken_book(book) -> RichLedger:
    with without_guards():
        account(book.euros, version=7)
    return book


def test_a_clean_ledger_prints_its_trial_balance_and_every_check(book, capsys):
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
    assert lines[-1] == f"All {len(checks)} checks hold."


def test_a_broken_ledger_prints_what_is_off_and_exits_with_1(broken_book, capsys):
    with pytest.raises(SystemExit) as exit_:
        call_command("verify_ledger")

    assert exit_.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(" OFF"))
    assert lines[at].split()[:2] == ["OFF", "account_version_counts_its_entries"]
    assert lines[at + 1].strip() == (
        f"{broken_book.euros.pk}: version 7, but 1 entries and the last has sequence 1"
    )
    assert lines[-2:] == [
        "Amounts in findings are in minor units, as they are stored.",
        "1 finding in 1 check.",
    ]


def test_findings_that_are_not_shown_are_counted(book, alice, funded_account, capsys):
    with without_guards():
        for _ in range(12):
            account(funded_account(alice), version=7)

    with pytest.raises(SystemExit):
        call_command("verify_ledger")

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    shown = [line for line in lines if line.endswith("0 entries and the last has sequence 0")]
    assert len(shown) == 10
    assert "and 2 more" in lines
    assert lines[-1] == "12 findings in 1 check."


def test_json_is_the_whole_report(broken_book, capsys):
    with pytest.raises(SystemExit) as exit_:
        call_command("verify_ledger", "--json")

    assert exit_.value.code == 1
    report = json.loads(capsys.readouterr().out)
    assert {**report, "checked_at": None} == {**check_ledger().as_dict(), "checked_at": None}
    assert report["ok"] is False
    assert report["checked_at"].endswith("Z")
    [off] = [check for check in report["checks"] if not check["ok"]]
    assert off == {
        "name": "account_version_counts_its_entries",
        "description": "A customer's version is its last sequence and the number of its entries",
        "ok": False,
        "findings": 1,
        "examples": [
            {
                "subject": str(broken_book.euros.pk),
                "problem": "version 7, but 1 entries and the last has sequence 1",
            }
        ],
    }


def test_a_terminal_sees_a_progress_bar_that_ends_at_100_percent(book, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())

    call_command("verify_ledger")

    assert "Checking: 100%" in sys.stderr.getvalue()


def test_a_log_sees_no_progress_bar(book, capsys):
    call_command("verify_ledger")

    assert capsys.readouterr().err == ""
