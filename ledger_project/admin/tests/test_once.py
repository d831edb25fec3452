"""A confirmed form of the admin is carried out once, however often it is sent."""

import uuid

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client

from accounts import services
from accounts.tests.admin_pages import action_of, confirm, page_of, refusal
from ledger_project.admin.once import CHANGED, REPEATED
from ledger_project.admin.posted import key_of, transfers_of
from ledger_project.idempotency.models import IdempotencyKey
from transfers.approvals.models import Approval
from transfers.models import Transfer

FORM = {"amount": "2.50", "reason": "Till was wrong"}


@pytest.fixture
def officer(client, staff):
    client.force_login(staff)
    return client


@pytest.fixture
def path(alice, funded_account) -> str:
    return action_of(funded_account(alice), "deposit")


def texts(response) -> list[str]:
    return [str(each) for each in get_messages(response.wsgi_request)]


def deposited() -> list[int]:
    return list(Transfer.objects.filter(memo=FORM["reason"]).values_list("amount", flat=True))


def test_a_form_that_is_sent_twice_is_carried_out_once(officer, path):
    key = str(uuid.uuid4())

    first, second = (confirm(officer, path, key, **FORM) for _ in range(2))
    other = confirm(officer, path, **FORM)

    assert [each.status_code for each in (first, second, other)] == [302] * 3
    assert first["Location"] == second["Location"]
    assert texts(second)[-1] == REPEATED
    assert deposited() == [2_50, 2_50]


def test_a_form_that_is_sent_again_with_other_values_changes_nothing(officer, path):
    key = str(uuid.uuid4())
    confirm(officer, path, key, **FORM)

    response = confirm(officer, path, key, **{**FORM, "amount": "25.00"})

    assert (response.status_code, response["Location"], texts(response)[-1]) == (302, path, CHANGED)
    assert deposited() == [2_50]


def test_a_refused_form_can_be_sent_again(officer, staff, alice, funded_account):
    account, key = funded_account(alice), str(uuid.uuid4())
    path = action_of(account, "withdraw")

    refused = confirm(officer, path, key, **FORM)
    services.set_overdraft_limit(account_id=account.pk, actor=staff, limit=10_00)
    done = confirm(officer, path, key, **FORM)

    assert refusal(refused) == "It has 0.00 USD available, and 2.50 USD is required."
    assert (done.status_code, deposited()) == (302, [2_50])


def test_the_key_is_stored_with_the_user_the_request_and_the_transfer(officer, staff, path):
    confirm(officer, path, **FORM)

    key = IdempotencyKey.objects.get()
    posted = Transfer.objects.get(memo=FORM["reason"])
    assert key.answer().document == {"transfer_id": str(posted.pk)}
    assert (key.user, key.method, key.path, key.response_status) == (staff, "POST", path, 302)


def test_another_user_may_use_the_same_key(officer, path, make_user):
    key = str(uuid.uuid4())
    other = Client()
    other.force_login(make_user("accounts.read_any", "transfers.move_cash", is_staff=True))

    for browser in (officer, other):
        confirm(browser, path, key, **FORM)

    assert deposited() == [2_50, 2_50]


@pytest.mark.django_db(transaction=True)
def test_a_double_click_is_carried_out_once(staff, alice, funded_account, at_once):
    account, key = funded_account(alice), str(uuid.uuid4())
    browsers = [Client() for _ in range(2)]
    for browser in browsers:
        browser.force_login(staff)
    path = action_of(account, "deposit")

    def click(browser):
        return confirm(browser, path, key, **FORM)

    responses = at_once(*(lambda browser=browser: click(browser) for browser in browsers))

    assert [each.status_code for each in responses] == [302, 302]
    assert {each["Location"] for each in responses} == {page_of(account)}
    assert (deposited(), connection.in_atomic_block) == ([2_50], False)


def test_the_key_and_the_transfer_of_a_form_link_to_each_other(officer, path):
    confirm(officer, path, **FORM)
    key, posted = IdempotencyKey.objects.get(), Transfer.objects.get(memo=FORM["reason"])

    assert (transfers_of(key), key_of(posted)) == ([posted.pk], key)


def test_the_key_of_an_approval_is_stored_with_the_transfer(officer, path, make_user, settings):
    settings.APPROVAL_THRESHOLD = 1_00
    confirm(officer, path, **FORM)
    checker, browser = make_user("accounts.read_any", "transfers.approve", is_staff=True), Client()
    browser.force_login(checker)

    confirm(browser, action_of(Approval.objects.get(), "approve"))

    key = IdempotencyKey.objects.get(user=checker)
    assert transfers_of(key) == [Transfer.objects.get(memo=FORM["reason"]).pk]
