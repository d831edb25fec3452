"""GET /accounts/{id}/statement with a time range: opening and closing balance."""

from datetime import UTC, datetime, timedelta

import pytest

from api.tests.contract import (
    assert_problem,
    instant,
)
from transfers import services
from transfers.tests.statements import entry, sequences, statement, with_five_entries

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(alice, bob, funded_account):
    return with_five_entries(alice, bob, funded_account)


def test_from_is_inclusive_and_to_exclusive(api, account):
    second, fourth = entry(account, 2), entry(account, 4)

    since = statement(api, account, since=instant(second.ts))
    until = statement(api, account, to=instant(fourth.ts))
    both = statement(api, account, since=instant(second.ts), to=instant(fourth.ts))

    assert sequences(since) == [5, 4, 3, 2]
    assert sequences(until) == [3, 2, 1]
    assert sequences(both) == [3, 2]


def test_a_range_has_an_opening_and_a_closing_balance(api, account):
    second, fourth = entry(account, 2), entry(account, 4)

    since = statement(api, account, since=instant(second.ts))
    until = statement(api, account, to=instant(fourth.ts))
    both = statement(api, account, since=instant(second.ts), to=instant(fourth.ts))

    for page, opening, closing in ((since, 100, 105), (until, 0, 120), (both, 100, 120)):
        assert set(page) == {"items", "next_cursor", "opening_balance", "closing_balance"}
        assert (page["opening_balance"], page["closing_balance"]) == (opening, closing)
        moved = sum(i["amount"] * (1 if i["type"] == "CREDIT" else -1) for i in page["items"])
        assert opening + moved == closing


@pytest.mark.parametrize("side", ["CREDIT", "DEBIT"])
def test_the_balances_of_a_range_do_not_depend_on_the_type_filter(api, account, side):
    query = {"since": instant(entry(account, 2).ts), "to": instant(entry(account, 5).ts)}

    page = statement(api, account, type=side, **query)

    assert (page["opening_balance"], page["closing_balance"]) == (100, 100)


def test_later_postings_do_not_change_the_balances_on_other_pages(api, alice, account):
    query = {"since": instant(entry(account, 2).ts), "limit": 2}
    pages, cursor = [], {}

    while cursor is not None:
        pages.append(statement(api, account, **query, **cursor))
        services.deposit(account_id=account.pk, amount=1_000, actor=alice)
        following = pages[-1]["next_cursor"]
        cursor = following and {"cursor": following}

    assert [sequences(page) for page in pages] == [[5, 4], [3, 2]]
    assert [(page["opening_balance"], page["closing_balance"]) for page in pages] == [
        (100, 105),
        (100, 105),
    ]


@pytest.mark.parametrize(
    ("since", "to", "opening", "closing"),
    [
        (timedelta(days=1), None, 105, 105),
        (None, timedelta(days=1), 0, 105),
        (timedelta(days=-1), None, 0, 105),
        (None, timedelta(days=-1), 0, 0),
        (timedelta(days=-2), timedelta(days=-1), 0, 0),
        (timedelta(days=1), timedelta(days=2), 105, 105),
    ],
)
def test_a_range_can_contain_no_entries(api, account, since, to, opening, closing):
    now = datetime.now(UTC)
    ends = {"since": since, "to": to}

    page = statement(api, account, **{k: instant(now + v) for k, v in ends.items() if v})

    covers = opening != closing
    assert sequences(page) == ([5, 4, 3, 2, 1] if covers else [])
    assert (page["opening_balance"], page["closing_balance"]) == (opening, closing)


def test_a_cursor_of_another_range_is_refused(api, account):
    since = instant(entry(account, 1).ts)
    cursor = statement(api, account, since=since, limit=2)["next_cursor"]
    path = f"/accounts/{account.pk}/statement"

    answers = [
        api.get(path, {"cursor": cursor}),
        api.get(path, {"cursor": cursor, "from": instant(entry(account, 2).ts)}),
        api.get(path, {"cursor": cursor, "to": since}),
        api.get(path, {"cursor": cursor, "from": since, "type": "DEBIT"}),
    ]

    for response in answers:
        assert_problem(
            response, 400, "invalid_cursor", detail="Invalid cursor: request the first page again."
        )
