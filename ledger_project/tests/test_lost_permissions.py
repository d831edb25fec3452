"""Replays and look-ups for a user who has lost a permission since the first response."""

import uuid

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.tests.contract import assert_problem
from ledger_project.idempotency.models import IdempotencyKey
from transfers import services
from transfers.models import Transfer
from transfers.services import Order

pytestmark = pytest.mark.django_db

# How a user had the permission, and how they lost it.
HOLDERS = {
    "a group": (
        lambda make_user: _member(make_user()),
        lambda user: user.groups.clear(),
    ),
    "what the group allows": (
        lambda make_user: _member(make_user()),
        lambda user: Group.objects.get(name="Operations").permissions.clear(),
    ),
    "a permission": (
        lambda make_user: make_user(*DEEDS_TAKE),
        lambda user: user.user_permissions.clear(),
    ),
    "one of several permissions": (
        lambda make_user: make_user(*DEEDS_TAKE),
        lambda user: user.user_permissions.remove(
            *user.user_permissions.exclude(codename="describe_any")
        ),
    ),
    "being a superuser": (
        lambda make_user: make_user(is_superuser=True, is_staff=True),
        lambda user: User.objects.filter(pk=user.pk).update(is_superuser=False),
    ),
}
DEEDS_TAKE = (
    *("accounts.read_any", "accounts.describe_any", "accounts.freeze", "accounts.close_any"),
    *("transfers.move_any", "transfers.move_cash", "transfers.reverse_any"),
)


def _member(user: User) -> User:
    user.groups.add(Group.objects.get(name="Operations"))
    return user


@pytest.fixture
def scene(alice, bob, funded_account) -> dict:
    """Two accounts of other users, and the paths and bodies of actions on them."""
    source, dest = funded_account(alice, 123_456), funded_account(bob, 100)
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=10)
    paid = services.transfer(order=order, actor=alice)
    body = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk), "amount": 10}
    return {
        "transfer": ("post", "/transfers", body),
        "batch": ("post", "/transfers/batch", {"transfers": [body]}),
        "hold": ("post", "/transfers", {**body, "hold": True}),
        "reverse": ("post", f"/transfers/{paid.pk}/reverse", {}),
        "deposit": ("post", f"/accounts/{source.pk}/deposit", {"amount": 5}),
        "rename": ("patch", f"/accounts/{source.pk}", {"owner_name": "Alicia"}),
        "freeze": ("post", f"/accounts/{source.pk}/freeze", {}),
        "lack of funds": ("post", "/transfers", {**body, "amount": 10**9}),
        "not empty": ("post", f"/accounts/{source.pk}/close", {}),
    }


def send(client, request, key: str):
    method, path, body = request
    return getattr(client, method)(path, body, key=key)


def assert_withheld(response, first, key: str) -> None:
    """Check that a response only says whether the request was carried out."""
    why = "Its response isn't shown, because it required a permission that you no longer have."
    detail = (
        "This request was carried out when it was first sent, and was not carried out again. "
        f"{why} Don't send it with a new key: that would carry it out a second time."
        if first.status_code < 300
        else "This request was refused when it was first sent, and nothing was done. "
        f"{why} To try again, send a new key."
    )
    told = {"detail": detail, "response_status": first.status_code}
    assert_problem(response, 409, "idempotency_answer_withheld", **told)
    assert (response.has_header("Location"), response.has_header("Idempotent-Replayed")) == (
        False,
        False,
    )


DEEDS = [
    *("transfer", "batch", "hold", "reverse", "deposit", "rename", "freeze"),
    *("lack of funds", "not empty"),
]


@pytest.mark.parametrize("action", DEEDS)
def test_after_losing_a_permission_a_replay_says_only_whether_the_request_was_carried_out(
    scene, client_for, make_user, action
):
    clerk, key = _member(make_user()), str(uuid.uuid4())
    first = send(client_for(clerk), scene[action], key)
    done = Transfer.objects.count()
    clerk.groups.clear()

    again = send(client_for(clerk), scene[action], key)
    found = client_for(clerk).get(f"/idempotency-keys/{key}")

    assert_withheld(again, first, key)
    assert found.status_code == 200
    assert {**found.json(), "created_at": None} == {
        "key": key,
        "method": scene[action][0].upper(),
        "path": scene[action][1],
        "created_at": None,
        "response_status": first.status_code,
        "response_body": None,
    }
    assert Transfer.objects.count() == done


@pytest.mark.parametrize("lost", HOLDERS)
@pytest.mark.parametrize("action", ["transfer", "lack of funds"])
def test_the_response_is_withheld_however_the_permission_was_lost(
    scene, client_for, make_user, lost, action
):
    make, take_away = HOLDERS[lost]
    clerk, key = make(make_user), str(uuid.uuid4())
    first = send(client_for(clerk), scene[action], key)
    take_away(clerk)

    again = send(client_for(clerk), scene[action], key)

    assert first.status_code in (201, 409)
    assert_withheld(again, first, key)


@pytest.mark.parametrize("action", DEEDS)
def test_a_user_who_still_has_the_permission_gets_the_same_bytes(
    scene, client_for, make_user, action
):
    clerk, key = _member(make_user()), str(uuid.uuid4())
    first = send(client_for(clerk), scene[action], key)

    again = send(client_for(clerk), scene[action], key)
    found = client_for(clerk).get(f"/idempotency-keys/{key}")

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert found.json()["response_body"] == first.json()


def test_the_response_is_shown_again_after_the_permission_is_restored(scene, client_for, make_user):
    clerk, key = _member(make_user()), str(uuid.uuid4())
    first = send(client_for(clerk), scene["transfer"], key)
    clerk.groups.clear()
    send(client_for(clerk), scene["transfer"], key)
    _member(clerk)

    assert send(client_for(clerk), scene["transfer"], key).content == first.content


def test_losing_another_permission_does_not_withhold_the_response(scene, client_for, make_user):
    teller, key = make_user("transfers.move_cash", "accounts.freeze"), str(uuid.uuid4())
    first = send(client_for(teller), scene["deposit"], key)
    teller.user_permissions.remove(teller.user_permissions.get(codename="freeze"))

    assert send(client_for(teller), scene["deposit"], key).content == first.content


def test_a_request_as_the_owner_is_replayed_after_losing_permissions(
    client_for, make_user, funded_account
):
    clerk, key = _member(make_user()), str(uuid.uuid4())
    own = funded_account(clerk, 100)
    request = ("post", f"/accounts/{own.pk}/withdraw", {"amount": 30})
    first = send(client_for(clerk), request, key)
    clerk.groups.clear()

    again = send(client_for(clerk), request, key)

    assert (again.status_code, again.content) == (200, first.content)
    assert IdempotencyKey.objects.get(key=key).relied_on == ""


def test_a_deactivated_user_does_not_learn_whether_a_key_exists(scene, client_for, make_user):
    clerk, key = _member(make_user()), str(uuid.uuid4())
    client = client_for(clerk)
    send(client, scene["transfer"], key)
    User.objects.filter(pk=clerk.pk).update(is_active=False)

    responses = [send(client, scene["transfer"], key), client.get(f"/idempotency-keys/{key}")]

    assert [response.status_code for response in responses] == [401, 401]


def test_a_reused_key_is_reported_even_after_losing_the_permission(scene, client_for, make_user):
    clerk, key = _member(make_user()), str(uuid.uuid4())
    send(client_for(clerk), scene["transfer"], key)
    clerk.groups.clear()

    assert_problem(send(client_for(clerk), scene["deposit"], key), 409, "idempotency_key_reused")


def test_each_stored_response_names_the_permissions_that_it_required(scene, client_for, make_user):
    clerk = _member(make_user())
    taken = {}
    for action, request in scene.items():
        send(client_for(clerk), request, action.replace(" ", "-"))
        taken[action] = IdempotencyKey.objects.latest("pk").relied_on

    assert taken == {
        "transfer": "accounts.read_any transfers.move_any",
        "batch": "accounts.read_any transfers.move_any",
        "hold": "accounts.read_any transfers.move_any",
        "reverse": "accounts.read_any transfers.reverse_any",
        "deposit": "accounts.read_any transfers.move_cash",
        "rename": "accounts.describe_any accounts.read_any",
        "freeze": "accounts.freeze accounts.read_any",
        "lack of funds": "accounts.read_any transfers.move_any",
        "not empty": "accounts.close_any accounts.read_any",
    }


def statements(client, request, key: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        send(client, request, key)
    return len([each for each in captured if "SAVEPOINT" not in each["sql"]])


def test_a_replay_to_an_owner_takes_no_additional_statement(scene, client_for, alice, make_user):
    clerk = _member(make_user())
    for user in (alice, clerk):
        send(client_for(user), scene["transfer"], "k")

    to_owner = statements(client_for(alice), scene["transfer"], "k")
    to_clerk = statements(client_for(clerk), scene["transfer"], "k")
    clerk.groups.clear()
    to_demoted = statements(client_for(clerk), scene["transfer"], "k")

    assert (to_owner, to_clerk, to_demoted) == (2, 3, 2)
