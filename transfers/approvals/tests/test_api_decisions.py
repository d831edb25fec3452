"""Approve, decline and withdraw."""

import uuid

import pytest
from django.contrib.auth.models import User

from accounts import services as account_services
from accounts.models import Account, AccountChange
from api.tests.contract import assert_invalid, assert_problem, instant
from transfers import services
from transfers.approvals.models import Approval
from transfers.approvals.tests.conftest import THRESHOLD
from transfers.models import Transfer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("threshold")]


def path_of(approval: Approval, verb: str = "") -> str:
    return f"/approvals/{approval.pk}" + (f"/{verb}" if verb else "")


KINDS = ["DEPOSIT", "WITHDRAWAL", "TRANSFER", "HOLD", "REVERSAL"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_approved_is_carried_out_exactly_as_it_was_asked_for(ask, checker_api, staff, kind):
    asked = ask(kind)

    response = checker_api.post(path_of(asked, "approve"), {"note": " Agreed "})

    approval = Approval.objects.get()
    transfer = Transfer.objects.latest("pk")
    assert (response.status_code, response.json()) == (
        200,
        {
            **response.json(),
            "status": "APPROVED",
            "decided_by": "checker",
            "decided_at": instant(approval.decided_at),
            "note": "Agreed",
            "transfer_id": str(transfer.pk),
        },
    )
    members = ("kind", "amount", "currency", "source_id", "dest_id", "memo", "metadata")
    assert [getattr(transfer, name) for name in members] == [
        getattr(asked, name) for name in members
    ]
    assert (transfer.reverses_id, transfer.created_by) == (asked.reverses_id, staff)
    assert (approval.transfer, approval.requested_by) == (transfer, staff)
    if kind == "HOLD":
        assert (transfer.expires_at - transfer.created_at).total_seconds() == asked.expires_in


def test_an_approved_limit_is_set_and_recorded_for_who_asked(ask, checker_api, staff, source):
    asked = ask("OVERDRAFT_LIMIT")

    response = checker_api.post(path_of(asked, "approve"))

    change = AccountChange.objects.get()
    assert response.json() == {
        **response.json(),
        "kind": "OVERDRAFT_LIMIT",
        "amount": THRESHOLD,
        "account_id": str(source.pk),
        "source_account_id": None,
        "dest_account_id": None,
        "memo": "Salary",
        "status": "APPROVED",
        "transfer_id": None,
    }
    assert (change.actor, change.after, change.reason) == (staff, str(THRESHOLD), "Salary")
    assert Approval.objects.get().change == change
    assert Account.objects.get(pk=source.pk).overdraft_limit == THRESHOLD


def test_approving_a_limit_that_was_set_in_the_meantime_names_the_change_that_set_it(
    ask, checker_api
):
    first, second = ask("OVERDRAFT_LIMIT"), ask("OVERDRAFT_LIMIT")
    checker_api.post(path_of(first, "approve"))

    response = checker_api.post(path_of(second, "approve"))

    assert response.status_code == 200
    first.refresh_from_db()
    second.refresh_from_db()
    assert second.change == first.change == AccountChange.objects.get()


@pytest.mark.parametrize("verb", ["approve", "decline"])
def test_nobody_decides_their_own_request(client_for, make_user, ask, verb):
    superuser = make_user(is_superuser=True)
    asked = ask(actor=superuser)

    body = {"reason": "no"} if verb == "decline" else {}
    response = client_for(superuser).post(path_of(asked, verb), body)

    assert_problem(response, 403, "own_request")
    assert Approval.objects.get().status == "PENDING"


def test_a_declined_request_is_not_carried_out_and_says_why(ask, checker_api):
    asked = ask()
    done = Transfer.objects.count()

    response = checker_api.post(path_of(asked, "decline"), {"reason": "Not agreed"})

    assert response.status_code == 200
    shown = response.json()
    assert (shown["status"], shown["decided_by"], shown["note"]) == (
        "DECLINED",
        "checker",
        "Not agreed",
    )
    assert Transfer.objects.count() == done


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x" * 201}])
def test_declining_needs_a_reason(ask, checker_api, body):
    code = {0: "required", 1: "blank", 201: "max_length"}[len(body.get("reason", ""))]

    assert_invalid(checker_api.post(path_of(ask(), "decline"), body), ("#/reason", code))


def test_the_requester_can_withdraw_it_and_nobody_else(ask, maker_api, checker_api):
    asked = ask()

    refused = checker_api.post(path_of(asked, "withdraw"))
    done = maker_api.post(path_of(asked, "withdraw"))

    assert_problem(refused, 403, "permission_denied")
    shown = done.json()
    assert (shown["status"], shown["requested_by"], shown["decided_by"]) == (
        "WITHDRAWN",
        "staff",
        "staff",
    )


FIRST = ["approve", "decline", "withdraw"]
DECISIONS = {"approve": "APPROVED", "decline": "DECLINED", "withdraw": "WITHDRAWN"}


@pytest.mark.parametrize("first", FIRST)
def test_a_decision_cannot_be_changed(ask, maker_api, checker_api, first):
    asked = ask()
    clients = {"approve": checker_api, "decline": checker_api, "withdraw": maker_api}
    bodies = {"decline": {"reason": "no"}}
    assert clients[first].post(path_of(asked, first), bodies.get(first)).status_code == 200
    before = Approval.objects.values().get()

    for verb in FIRST:
        response = clients[verb].post(path_of(asked, verb), bodies.get(verb))
        assert_problem(response, 409, "already_decided", decision=DECISIONS[first])
    assert Approval.objects.values().get() == before


def test_if_the_ledger_refuses_the_request_goes_on_waiting(
    ask, checker_api, staff, source, funded_account
):
    asked = ask("WITHDRAWAL", amount=10_000)
    services.withdraw(account_id=source.pk, amount=1, actor=source.owner)

    refused = checker_api.post(path_of(asked, "approve"), key="first")
    again = checker_api.post(path_of(asked, "approve"), key="first")
    waiting = Approval.objects.get().status
    services.deposit(account_id=source.pk, amount=1, actor=source.owner)
    done = checker_api.post(path_of(asked, "approve"), key="second")

    assert_problem(
        refused,
        409,
        "insufficient_funds",
        account_id=str(source.pk),
        available=9_999,
        required=10_000,
        shortfall=1,
    )
    assert (again.content, again["Idempotent-Replayed"]) == (refused.content, "true")
    assert (waiting, done.json()["status"]) == ("PENDING", "APPROVED")


def test_a_frozen_account_refuses_what_is_approved(ask, checker_api, staff, source):
    asked = ask()
    account_services.freeze(account_id=source.pk, actor=staff)

    response = checker_api.post(path_of(asked, "approve"))

    assert_problem(response, 409, "account_frozen", account_id=str(source.pk))
    assert Approval.objects.get().status == "PENDING"


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("kind", [*KINDS, "OVERDRAFT_LIMIT"])
@pytest.mark.parametrize("lose", [lambda user: user.groups.clear(), deactivate])
def test_what_the_requester_may_not_do_any_more_is_not_carried_out(
    ask, checker_api, staff, kind, lose
):
    asked = ask(kind)
    done = Transfer.objects.count()
    lose(staff)

    response = checker_api.post(path_of(asked, "approve"))

    assert_problem(response, 409, "requester_not_allowed")
    assert (Transfer.objects.count(), AccountChange.objects.count()) == (done, 0)
    assert Approval.objects.get().status == "PENDING"


def test_an_approved_request_is_carried_out_although_the_threshold_was_changed(
    ask, checker_api, settings
):
    asked = ask()
    settings.APPROVAL_THRESHOLD = 1

    assert checker_api.post(path_of(asked, "approve")).json()["status"] == "APPROVED"


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────


def test_the_list_has_what_one_has_asked_for_or_everything_with_read_any(
    ask, maker_api, checker_api, make_user, client_for
):
    teller = make_user("transfers.move_cash")
    first, second = ask("DEPOSIT", actor=teller), ask()

    lists = [
        [item["id"] for item in client.get("/approvals").json()["items"]]
        for client in (client_for(teller), maker_api, checker_api, client_for(make_user()))
    ]

    everything = [str(second.pk), str(first.pk)]
    assert lists == [[str(first.pk)], everything, everything, []]
    assert_problem(client_for(teller).get(path_of(second)), 404, "approval_not_found")
    assert (
        client_for(teller).get(path_of(first)).json()
        == maker_api.get("/approvals").json()["items"][1]
    )


def test_the_list_is_filtered_by_status_and_paged(ask, checker_api):
    asked = [ask() for _ in range(3)]
    checker_api.post(path_of(asked[1], "decline"), {"reason": "no"})

    first = checker_api.get("/approvals", {"status": "PENDING", "limit": 1}).json()
    cursor = {"status": "PENDING", "limit": 1, "cursor": first["next_cursor"]}
    second = checker_api.get("/approvals", cursor).json()

    shown = [item["id"] for page in (first, second) for item in page["items"]]
    assert shown == [str(asked[2].pk), str(asked[0].pk)]
    assert second["next_cursor"] is None


def test_a_list_takes_as_many_queries_for_three_as_for_one(
    ask, checker_api, django_assert_num_queries
):
    counts = []
    for _ in range(2):
        ask()
        with django_assert_num_queries(3):
            counts.append(len(checker_api.get("/approvals").json()["items"]))

    assert counts == [1, 2]


def test_an_unknown_approval_is_404(checker_api):
    nowhere = f"/approvals/{uuid.uuid4()}"

    for response in (
        checker_api.get(nowhere),
        checker_api.post(f"{nowhere}/approve"),
        checker_api.post(f"{nowhere}/decline", {"reason": "no"}),
        checker_api.post(f"{nowhere}/withdraw"),
    ):
        assert_problem(response, 404, "approval_not_found")
