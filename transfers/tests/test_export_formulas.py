"""Memos that a spreadsheet would evaluate as formulas."""

import csv
import io
from collections import namedtuple
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import services as account_services
from transfers import services
from transfers.examples import ITEM
from transfers.export import write_csv
from transfers.querysets import STATEMENT_LINE
from transfers.tests.exports import HEADER, REF, export, rows_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


# Characters that begin a formula, a cell or a line, and harmless ones.
RISKY = "=+-@\uff1d;|,\t\r\n\"' x1"


def line_with(memo: str) -> Any:
    """Return a made-up line of a statement with this memo."""
    values = {**ITEM, "ts": datetime(2026, 1, 31, tzinfo=UTC), "ref": memo}
    return namedtuple("Line", STATEMENT_LINE)(**values)


@pytest.mark.parametrize(
    ("memo", "text"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\n=1", "'\n'=1"),
        ("\t1", "'\t1"),
        ("\uff1d1", "'\uff1d1"),
        ('=HYPERLINK("http://evil.example")', '\'=HYPERLINK("http://evil.example")'),
        ("=", "'="),
        ("-", "'-"),
        # For readers that use another separator.
        ("x;=1+1", "x;'=1+1"),
        ("x\t=1+1", "x\t'=1+1"),
        ("x|=1+1", "x|'=1+1"),
        ("x\n=1+1", "x\n'=1+1"),
        ('x;"=1+1"', 'x;\'"=1+1"'),
        ("x; -1", "x;' -1"),
        ("a;b|@c\t+d", "a;b|'@c\t'+d"),
    ],
)
def test_a_memo_that_a_spreadsheet_would_evaluate_is_made_text(
    api, alice, funded_account, memo, text
):
    account = funded_account(alice)
    services.deposit(account_id=account.pk, amount=1, actor=alice, memo=memo)

    (row,) = rows_of(export(api, account))

    assert row[REF] == text
    assert api.get(f"/accounts/{account.pk}/statement").json()["items"][0]["ref"] == memo


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@given(memos=st.lists(st.text(st.sampled_from(RISKY), max_size=12), min_size=1, max_size=4))
def test_no_cell_is_a_formula_with_any_separator(separator, memos):
    file = io.StringIO(newline="")

    write_csv(file, [[line_with(memo) for memo in memos]])

    file.seek(0)
    cells = [cell for row in csv.reader(file, delimiter=separator) for cell in row]
    assert [cell for cell in cells if cell.lstrip(' \t\r\n"').startswith(tuple("=+-@\uff1d"))] == []


@given(memo=st.text(st.sampled_from(RISKY), max_size=20))
def test_an_exported_memo_differs_only_by_apostrophes(memo):
    file = io.StringIO(newline="")

    write_csv(file, [[line_with(memo)]])

    file.seek(0)
    _header, row = csv.reader(file)
    assert row[REF].replace("'", "") == memo.replace("'", "")
    assert len(row) == len(HEADER)


@pytest.mark.parametrize(
    "memo", ["a=b", "1-1", "'quoted", "x@example.org", "", " ", "a;b", "a|b", "a, -b", "a; b"]
)
def test_a_harmless_memo_is_not_changed(api, alice, funded_account, memo):
    account = funded_account(alice)
    services.deposit(account_id=account.pk, amount=1, actor=alice, memo=memo)

    (row,) = rows_of(export(api, account))

    assert row[REF] == memo


def test_a_negative_balance_stays_a_number(api, alice, staff, funded_account):
    account = funded_account(alice)
    account_services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=10)
    services.withdraw(account_id=account.pk, amount=7, actor=alice)

    (row,) = rows_of(export(api, account))

    assert row[HEADER.index("balance")] == "-7"
