"""The rules of the kinds of transfers are consistent."""

import pytest
from django.contrib.auth.models import Permission

from accounts.enums import AccountKind
from transfers.kinds import Kind


def kinds_that(rule):
    return {kind.value for kind in Kind if getattr(kind.rules, rule)}


def test_every_kind_but_hold_and_void_moves_money():
    assert set(Kind) - kinds_that("moves_money") == {"HOLD", "VOID"}


def test_only_a_hold_reserves_and_only_a_capture_or_void_releases():
    assert (kinds_that("reserves"), kinds_that("releases")) == ({"HOLD"}, {"CAPTURE", "VOID"})


def test_every_kind_that_moves_money_but_a_reversal_can_be_reversed():
    assert kinds_that("reverses") == {"REVERSAL"}
    assert kinds_that("reversible") == kinds_that("moves_money") - {"REVERSAL"}


def test_only_deposits_and_withdrawals_move_cash():
    assert kinds_that("moves_cash") == {"DEPOSIT", "WITHDRAWAL"}


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_has_an_effect_and_at_most_one_original(kind):
    rules = kind.rules

    assert rules.moves_money or rules.reserves or rules.releases
    assert rules.releases + rules.reverses <= 1


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind.rules.moves_cash])
def test_the_owner_of_the_customers_account_may_move_cash(kind):
    [party] = kind.rules.owners

    assert getattr(kind.rules, party) is AccountKind.CUSTOMER


@pytest.mark.django_db
@pytest.mark.parametrize("kind", Kind)
def test_the_permission_of_each_kind_exists(kind):
    app, _, codename = kind.rules.permission.partition(".")

    assert Permission.objects.filter(content_type__app_label=app, codename=codename).count() == 1
