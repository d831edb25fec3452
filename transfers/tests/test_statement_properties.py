"""For any postings and any range, opening balance + sum of the entries = closing balance."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transfers import clock, services

pytestmark = [pytest.mark.django_db, pytest.mark.no_cover]

START = datetime(2026, 1, 1, tzinfo=UTC)
hours = st.integers(0, 12)
# A range may be open at either end or empty, but doesn't end before it begins.
ranges = st.tuples(st.none() | hours, st.none() | hours).map(
    lambda bounds: bounds if None in bounds else tuple(sorted(bounds))
)
movements = st.lists(
    st.tuples(st.sampled_from(["deposit", "withdraw"]), st.integers(1, 100), hours), max_size=12
)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def signed(item: dict) -> int:
    return item["amount"] if item["type"] == "CREDIT" else -item["amount"]


def pages(api, path: str, query: dict) -> list[dict]:
    answers = [api.get(f"{path}?{urlencode(query)}").json()]
    while cursor := answers[-1]["next_cursor"]:
        answers.append(api.get(f"{path}?{urlencode({**query, 'cursor': cursor})}").json())
    return answers


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    # Each example has its own account.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(movements, ranges, st.sampled_from([None, "DEBIT"]))
def test_opening_balance_plus_entries_equals_closing_balance_on_every_page(
    api, alice, funded_account, movements, bounds, side
):
    account = funded_account(alice)
    for verb, amount, hour in [("deposit", 1_200, 0), *sorted(movements, key=lambda each: each[2])]:
        with clock.at(at(hour)):
            getattr(services, verb)(account_id=account.pk, amount=amount, actor=alice)
    query = {
        name: at(hour).isoformat()
        for name, hour in zip(("from", "to"), bounds, strict=True)
        if hour is not None
    }
    path = f"/accounts/{account.pk}/statement"

    whole = pages(api, path, {**query, "limit": 100})[0]["items"]
    some = pages(api, path, {**query, "limit": 3, **({"type": side} if side else {})})

    assert [item for page in some for item in page["items"]] == [
        item for item in whole if side in (None, item["type"])
    ]
    for page in some:
        assert ("opening_balance" in page) == bool(query)
        if query:
            assert page["opening_balance"] + sum(map(signed, whole)) == page["closing_balance"]
