"""The customers' balances at the end of each day, which an audit computes for the home page."""

from datetime import timedelta

import pytest

from audit.days import DAYS, dates_of
from audit.ledger import check_ledger
from transfers import clock, services
from transfers.movements import Order

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_a_report_has_the_customers_balances_at_the_end_of_each_day(alice, bob, funded_account):
    noon = clock.now().replace(hour=12)
    with clock.at(noon - 40 * DAY):
        source, dest = funded_account(alice, 100), funded_account(bob)
        funded_account(bob, 7, currency="EUR")
    with clock.at(noon - 3 * DAY):
        services.deposit(account_id=source.pk, amount=50, actor=alice)
    with clock.at(noon - 2 * DAY):
        order = Order(source_id=source.pk, dest_id=dest.pk, amount=60)
        services.transfer(order=order, actor=alice)
    with clock.at(noon - DAY):
        services.withdraw(account_id=dest.pk, amount=30, actor=bob)

    with clock.at(noon):
        days = check_ledger().days

    assert days == {
        "USD": [100] * (DAYS - 4) + [100 + 50, 150, 150 - 30, 120],
        "EUR": [7] * DAYS,
        "GBP": [0] * DAYS,
        "JPY": [0] * DAYS,
    }
    assert dates_of(DAYS, noon)[-3:] == [f"{noon - age * DAY:%Y-%m-%d}" for age in (2, 1, 0)]
