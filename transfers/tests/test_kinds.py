"""What is declared of each kind of transfer fits together."""

import pytest
from django.contrib.auth.models import Permission

from accounts.enums import AccountKind
from transfers.kinds import Kind


def kinds_that(rule):
    return {kind.value for kind in Kind if getattr(kind.rules, rule)}


def test_only_a_hold_and_its_void_move_no_money():
    assert set(Kind) - kinds_that("moves_money") == {"HOLD", "VOID"}


def test_only_a_hold_reserves_and_its_capture_or_void_releases():
    assert (kinds_that("reserves"), kinds_that("releases")) == ({"HOLD"}, {"CAPTURE", "VOID"})


def test_whatever_moves_money_can_be_reversed_but_a_reversal():
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
def test_the_owners_who_move_cash_are_those_of_the_customers_account(kind):
    [party] = kind.rules.owners

    assert getattr(kind.rules, party) is AccountKind.CUSTOMER


@pytest.mark.django_db
@pytest.mark.parametrize("kind", Kind)
def test_a_kind_is_allowed_by_a_permission_that_there_is(kind):
    app, _, codename = kind.rules.permission.partition(".")

    assert Permission.objects.filter(content_type__app_label=app, codename=codename).count() == 1
