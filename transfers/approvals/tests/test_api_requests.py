"""What waits for a second person, and what doesn't."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from accounts import services as account_services
from accounts.exceptions import ApprovalRequired
from accounts.models import Account, AccountChange, external_account_id
from api.scopes import Scope
from api.tests.contract import assert_problem, instant
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.service_keys import services as service_keys
from ledger_project.service_keys.tests.keys import Held, client_with
from transfers import services
from transfers.approvals.models import Approval
from transfers.approvals.tests.conftest import THRESHOLD
from transfers.models import Transfer
from transfers.movements import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def requests(source, dest):
    """The path and body of each request for an amount, by kind."""
    outside = external_account_id("USD")
    parties = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk)}
    order = Order(source_id=dest.pk, dest_id=source.pk, amount=THRESHOLD)
    paid = services.transfer(order=order, actor=dest.owner)
    hold = {**parties, "hold": True, "expires_in": 60}

    def request(kind: str, amount: int = THRESHOLD) -> tuple[str, dict, dict]:
        """Return the path, the body, and the members of the approval that depend on the kind."""
        sent = {"amount": amount, "memo": "Correction", "metadata": {"ticket": "42"}}
        into = {"source_account_id": str(outside), "dest_account_id": str(dest.pk)}
        out = {"source_account_id": str(source.pk), "dest_account_id": str(outside)}
        return {
            "DEPOSIT": (f"/accounts/{dest.pk}/deposit", sent, into),
            "WITHDRAWAL": (f"/accounts/{source.pk}/withdraw", sent, out),
            "TRANSFER": ("/transfers", {**parties, **sent}, parties),
            "HOLD": ("/transfers", {**hold, **sent}, {**parties, "expires_in": 60}),
            "REVERSAL": (
                f"/transfers/{paid.pk}/reverse",
                {"memo": "Correction"},
                {**parties, "reverses_id": str(paid.pk), "metadata": {}},
            ),
        }[kind]

    return request


KINDS = ["DEPOSIT", "WITHDRAWAL", "TRANSFER", "HOLD", "REVERSAL"]


def rows() -> dict[str, list]:
    """Return what the ledger has written, without approvals and keys."""
    tables = (Account, AccountChange, Transfer)
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_threshold_on_a_request_by_a_permission_waits_and_nothing_is_done(
    threshold, maker_api, requests, kind
):
    path, body, expected = requests(kind)
    before = rows()

    response = maker_api.post(path, body)

    approval = Approval.objects.get()
    assert response.status_code == 202
    assert response["Location"] == f"/approvals/{approval.pk}"
    assert response.json() == {
        "id": str(approval.pk),
        "kind": kind,
        "status": "PENDING",
        "amount": THRESHOLD,
        "currency": "USD",
        "reverses_id": None,
        "account_id": None,
        "memo": "Correction",
        "metadata": {"ticket": "42"},
        "expires_in": None,
        "requested_by": "staff",
        "requested_at": instant(approval.requested_at),
        "decided_by": None,
        "decided_at": None,
        "note": "",
        "transfer_id": None,
        **expected,
    }
    assert rows() == before


@pytest.mark.parametrize("kind", KINDS)
def test_below_the_threshold_a_request_is_carried_out(settings, maker_api, requests, kind):
    settings.APPROVAL_THRESHOLD = THRESHOLD + 1
    path, body, _ = requests(kind)

    assert maker_api.post(path, body).status_code in (200, 201)
    assert Approval.objects.count() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_threshold_nothing_waits(maker_api, requests, kind):
    path, body, _ = requests(kind)

    assert maker_api.post(path, body).status_code in (200, 201)
    assert Approval.objects.count() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_owners_move_their_own_money_as_usual(threshold, client_for, source, dest, requests, kind):
    path, body, _ = requests(kind)
    owner = dest.owner if kind == "DEPOSIT" else source.owner

    assert client_for(owner).post(path, body).status_code in (200, 201)
    assert Approval.objects.count() == 0


@pytest.mark.parametrize("kind", ["DEPOSIT", "WITHDRAWAL"])
def test_a_teller_waits_for_their_own_cash_if_owners_may_not_move_cash(
    threshold, settings, make_user, client_for, funded_account, kind
):
    settings.SELF_SERVICE_CASH = False
    teller = make_user("transfers.move_cash")
    account = funded_account(teller, 5_000)
    verb = {"DEPOSIT": "deposit", "WITHDRAWAL": "withdraw"}[kind]

    response = client_for(teller).post(f"/accounts/{account.pk}/{verb}", {"amount": THRESHOLD})

    assert (response.status_code, response.json()["kind"]) == (202, kind)


def test_an_owner_who_reverses_despite_a_freeze_by_a_permission_waits(
    threshold, make_user, client_for, funded_account, source, staff
):
    owner = make_user("accounts.read_any", "transfers.reverse_any")
    account = funded_account(owner)
    order = Order(source_id=source.pk, dest_id=account.pk, amount=THRESHOLD)
    paid = services.transfer(order=order, actor=source.owner)
    account_services.freeze(account_id=account.pk, actor=staff)

    assert client_for(owner).post(f"/transfers/{paid.pk}/reverse").status_code == 202


def test_captures_and_voids_never_wait(threshold, maker_api, source, dest):
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=THRESHOLD)
    holds = [
        services.hold(order=order, expires_in=timedelta(hours=1), actor=source.owner)
        for _ in range(2)
    ]

    captured = maker_api.post(f"/transfers/{holds[0].pk}/capture")
    voided = maker_api.post(f"/transfers/{holds[1].pk}/void")

    assert (captured.status_code, voided.status_code) == (201, 201)


def test_a_replay_is_the_same_approval(threshold, maker_api, requests):
    path, body, _ = requests("TRANSFER")

    first = maker_api.post(path, body, key="the-same")
    again = maker_api.post(path, body, key="the-same")

    assert (again.status_code, again.content) == (202, first.content)
    assert (again["Idempotent-Replayed"], again["Location"]) == ("true", first["Location"])
    assert Approval.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "amount", "code"),
    [
        ("WITHDRAWAL", 10**9, "insufficient_funds"),
        ("TRANSFER", 10**9, "insufficient_funds"),
        ("DEPOSIT", 2**53 - 1, "balance_limit_exceeded"),
    ],
)
def test_what_the_ledger_would_refuse_now_is_refused_and_does_not_wait(
    threshold, maker_api, requests, kind, amount, code
):
    path, body, _ = requests(kind, amount)

    response = maker_api.post(path, body)

    assert (response.status_code, response.json()["code"]) == (409, code)
    assert Approval.objects.count() == 0


def test_a_second_reversal_is_refused_and_does_not_wait(threshold, maker_api, source, requests):
    path, body, _ = requests("REVERSAL")
    services.reverse(transfer_id=uuid.UUID(path.split("/")[2]), actor=source.owner)

    assert_problem(maker_api.post(path, body), 409, "already_reversed")
    assert Approval.objects.count() == 0


def test_a_user_without_the_right_gets_no_approval(threshold, make_user, client_for, requests):
    clients = [client_for(make_user()), client_for(make_user("accounts.read_any"))]

    for kind in KINDS:
        path, body, _ = requests(kind)
        assert [client.post(path, body).status_code for client in clients] == [404, 403], kind
    assert Approval.objects.count() == 0


def test_a_batch_cannot_wait_and_the_refusal_names_the_transfer(threshold, maker_api, source, dest):
    small = {"source_account_id": source.pk, "dest_account_id": dest.pk, "amount": THRESHOLD - 1}
    before = rows()

    done = maker_api.post("/transfers/batch", {"transfers": [small, small]})
    refused = maker_api.post(
        "/transfers/batch", {"transfers": [small, {**small, "amount": THRESHOLD}]}
    )

    assert done.status_code == 201
    assert_problem(
        refused,
        409,
        "approval_required",
        threshold=THRESHOLD,
        pointer="#/transfers/1",
        index=1,
    )
    assert len(rows()["Transfer"]) == len(before["Transfer"]) + 2
    assert Approval.objects.count() == 0


def test_a_batch_with_a_strangers_account_is_404_before_approval_is_looked_at(
    threshold, make_user, client_for, source, dest
):
    clerk = make_user("accounts.read_any", "transfers.move_any")
    large = {"source_account_id": source.pk, "dest_account_id": dest.pk, "amount": THRESHOLD}
    nowhere = {**large, "source_account_id": str(uuid.uuid4())}

    response = client_for(clerk).post("/transfers/batch", {"transfers": [large, nowhere]})

    assert (response.status_code, response.json()["code"]) == (404, "account_not_found")


def key_of(user: User) -> Held:
    return Held(*service_keys.create(owner=user, name="backend", scopes=list(Scope)))


def test_the_service_key_of_a_person_waits_like_the_person(threshold, staff, requests):
    path, body, _ = requests("TRANSFER")

    response = client_with(key_of(staff)).post(path, body)

    assert (response.status_code, response.json()["requested_by"]) == (202, "staff")


@pytest.mark.parametrize("kind", KINDS)
def test_the_service_key_of_a_user_whom_nobody_can_log_in_as_does_not_wait(
    threshold, staff, requests, kind
):
    staff.set_unusable_password()
    staff.save()
    path, body, _ = requests(kind)

    assert client_with(key_of(staff)).post(path, body).status_code in (200, 201)
    assert Approval.objects.count() == 0


def test_raising_a_limit_to_the_threshold_waits_and_lowering_it_does_not(threshold, staff, source):
    def set_limit(limit: int) -> int:
        account = account_services.set_overdraft_limit(
            account_id=source.pk, actor=staff, limit=limit
        )
        return account.overdraft_limit

    assert set_limit(THRESHOLD - 1) == THRESHOLD - 1
    with pytest.raises(ApprovalRequired):
        set_limit(THRESHOLD)
    account_services.set_overdraft_limit(
        account_id=source.pk, actor=staff, limit=3 * THRESHOLD, is_approved=True
    )
    assert set_limit(2 * THRESHOLD) == 2 * THRESHOLD


def test_a_waiting_request_is_stored_under_the_key_with_the_permissions_it_required(
    threshold, maker_api, requests
):
    path, body, _ = requests("TRANSFER")
    maker_api.post(path, body, key="kept")

    stored = IdempotencyKey.objects.get(key="kept")

    assert stored.response_status == 202
    assert stored.relied_on == "accounts.read_any transfers.move_any"
