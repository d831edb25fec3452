"""The permissions that each action needs, their look-up, and the groups."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from ledger_project.permissions import GROUPS
from transfers import services
from transfers.models import Transfer
from transfers.services import Order

pytestmark = pytest.mark.django_db

SEE = "accounts.read_any"
ALL = [
    f"{model._meta.app_label}.{codename}"
    for model in (Account, Transfer)
    for codename, _ in model._meta.permissions
]

# The permissions that each action on another user's account needs, besides read_any.
NEEDS = {
    "describe": ["accounts.describe_any"],
    "freeze": ["accounts.freeze"],
    "unfreeze": ["accounts.freeze"],
    "close": ["accounts.close_any"],
    "deposit": ["transfers.move_cash"],
    "withdraw": ["transfers.move_cash"],
    "transfer": ["transfers.move_any"],
    "hold": ["transfers.move_any"],
    "batch": ["transfers.move_any"],
    "capture": ["transfers.move_any"],
    "void": ["transfers.move_any"],
    "reverse": ["transfers.reverse_any"],
    "reverse a deposit": ["transfers.reverse_any", "transfers.move_cash"],
    "reverse a withdrawal": ["transfers.reverse_any", "transfers.move_cash"],
}
LACKING = [(action, permission) for action, needed in NEEDS.items() for permission in needed]
CASH = ("deposit", "withdraw")


@pytest.fixture
def scene(alice, bob, funded_account):
    """Accounts of other users, and the path and body of each action on them."""
    source, dest = funded_account(alice, 100), funded_account(bob, 100)
    empty = funded_account(alice)
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=5)
    body = {"source_account_id": source.pk, "dest_account_id": dest.pk, "amount": 5}
    hold = services.hold(order=order, expires_in=timedelta(days=1), actor=alice)
    paid = services.transfer(order=order, actor=alice)
    deposit = services.deposit(account_id=source.pk, amount=5, actor=alice)
    withdrawal = services.withdraw(account_id=source.pk, amount=5, actor=alice)
    actions = {
        "describe": (f"/accounts/{source.pk}", {"owner_name": "renamed"}),
        "close": (f"/accounts/{empty.pk}/close", {}),
        "freeze": (f"/accounts/{source.pk}/freeze", {}),
        "unfreeze": (f"/accounts/{source.pk}/unfreeze", {}),
        "deposit": (f"/accounts/{source.pk}/deposit", {"amount": 5}),
        "withdraw": (f"/accounts/{source.pk}/withdraw", {"amount": 5}),
        "transfer": ("/transfers", body),
        "hold": ("/transfers", {**body, "hold": True}),
        "batch": ("/transfers/batch", {"transfers": [body]}),
        "capture": (f"/transfers/{hold.pk}/capture", {}),
        "void": (f"/transfers/{hold.pk}/void", {}),
        "reverse": (f"/transfers/{paid.pk}/reverse", {}),
        "reverse a deposit": (f"/transfers/{deposit.pk}/reverse", {}),
        "reverse a withdrawal": (f"/transfers/{withdrawal.pk}/reverse", {}),
    }
    return SimpleNamespace(source=source, dest=dest, paid=paid, actions=actions)


@pytest.fixture
def do(scene, client_for):
    """Return a function that sends an action as a user, and returns the status and the code."""

    def do(user: User, action: str) -> tuple[int, str | None]:
        client = client_for(user)
        path, body = scene.actions[action]
        response = (client.patch if action == "describe" else client.post)(path, body)
        return response.status_code, response.json().get("code")

    return do


@pytest.mark.parametrize("action", NEEDS)
def test_an_action_needs_only_its_own_permissions(make_user, do, action):
    status, code = do(make_user(SEE, *NEEDS[action]), action)

    assert (status in (200, 201), code) == (True, None)


@pytest.mark.parametrize(("action", "lacking"), LACKING)
def test_an_action_is_denied_if_one_of_its_permissions_is_missing(make_user, do, action, lacking):
    others = [permission for permission in ALL if permission != lacking]

    assert do(make_user(*others), action) == (403, "permission_denied")


@pytest.mark.parametrize("action", [action for action in NEEDS if action not in CASH])
def test_without_read_any_an_action_on_another_account_is_404(make_user, do, action):
    others = [permission for permission in ALL if permission != SEE]

    status, code = do(make_user(*others), action)

    missing = "transfer" if action in ("capture", "void") or "reverse" in action else "account"
    assert (status, code) == (404, f"{missing}_not_found")


@pytest.mark.parametrize("action", CASH)
def test_a_user_with_move_cash_needs_no_read_any_for_deposits_and_withdrawals(
    make_user, do, action
):
    teller = make_user("transfers.move_cash")

    assert do(teller, action) == (200, None)


@pytest.mark.parametrize("action", NEEDS)
def test_staff_status_grants_no_permission(newcomer, do, action):
    status, _ = do(newcomer, action)

    assert status == 404


@pytest.mark.parametrize("action", NEEDS)
def test_a_superuser_needs_no_permission(make_user, do, action):
    status, code = do(make_user(is_superuser=True), action)

    assert (status in (200, 201), code) == (True, None)


def reads(scene, client) -> list:
    account, transfer = scene.source.pk, scene.paid.pk
    paths = [
        f"/accounts/{account}",
        f"/accounts/{account}/statement",
        f"/accounts/{account}/balance",
        f"/transfers/{transfer}",
        f"/transfers?account_id={account}",
        "/integrity",
    ]
    lists = [len(client.get(path).json()["items"]) for path in ("/accounts", "/transfers")]
    return [client.get(path).status_code for path in paths] + lists


def test_read_any_grants_access_to_everything_that_can_be_read(scene, client_for, make_user):
    assert reads(scene, client_for(make_user(SEE))) == [*[200] * 6, 3, 6]


@pytest.mark.parametrize("is_staff", [True, False])
def test_no_other_permission_grants_read_access(scene, client_for, make_user, is_staff):
    others = [permission for permission in ALL if permission != SEE]

    seen = reads(scene, client_for(make_user(*others, is_staff=is_staff)))

    assert seen == [*[404] * 5, 403, 0, 0]


def test_a_deactivated_member_of_a_group_may_do_nothing(scene, client_for, staff):
    client = client_for(staff)
    User.objects.filter(pk=staff.pk).update(is_active=False)

    assert client.get(f"/accounts/{scene.source.pk}").status_code == 401


# ── What it costs ────────────────────────────────────────────────────────────────────────────────


def look_ups(client, method: str, path: str, *body) -> int:
    """Return the number of statements of a request that look up permissions."""
    with CaptureQueriesContext(connection) as queries:
        response = getattr(client, method)(path, *body)
    assert response.status_code in (200, 201)
    return sum("auth_permission" in query["sql"] for query in queries)


def requests_of(scene, user) -> list[tuple]:
    own = Account.objects.create(owner=user, owner_name="own", currency="USD")
    services.deposit(account_id=own.pk, amount=100, actor=user)
    order = {"source_account_id": own.pk, "dest_account_id": scene.dest.pk, "amount": 5}
    return [
        ("get", f"/accounts/{own.pk}"),
        ("get", f"/accounts/{own.pk}/statement"),
        ("get", f"/accounts/{own.pk}/balance"),
        ("post", f"/accounts/{own.pk}/deposit", {"amount": 5}),
        ("post", f"/accounts/{own.pk}/withdraw", {"amount": 5}),
        ("post", "/transfers", order),
        ("post", "/transfers/batch", {"transfers": [order]}),
        ("get", "/accounts"),
        ("get", "/transfers"),
        ("get", f"/transfers?account_id={own.pk}"),
    ]


def test_no_request_of_a_user_without_permissions_looks_them_up(scene, client_for, make_user):
    user = make_user()

    counts = [look_ups(client_for(user), *each) for each in requests_of(scene, user)]

    assert counts == [0] * 10


def test_no_request_of_a_superuser_looks_up_permissions(scene, client_for, make_user):
    user = make_user(is_superuser=True)

    counts = [look_ups(client_for(user), *each) for each in requests_of(scene, user)]

    assert counts == [0] * 10


@pytest.mark.parametrize("given", ["to the user", "by a group"])
def test_permissions_are_looked_up_with_one_statement_and_only_if_needed(
    scene, client_for, make_user, staff, given
):
    user = staff if given == "by a group" else make_user(SEE, "transfers.move_any")

    counts = [look_ups(client_for(user), *each) for each in requests_of(scene, user)]

    # Permissions decide which accounts a write may lock and which accounts are shown.
    assert counts == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]


def test_a_user_has_their_own_permissions_and_those_of_their_groups(staff, make_user):
    both = make_user("transfers.approve")
    both.groups.set(staff.groups.all())

    assert both.get_all_permissions() == {*GROUPS["Operations"], "transfers.approve"}


def test_an_inactive_user_has_no_permissions(staff):
    staff.is_active = False

    assert staff.get_all_permissions() == set()


# ── The groups ───────────────────────────────────────────────────────────────────────────────────


def groups() -> dict[str, set[str]]:
    return {
        group.name: {
            f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.all()
        }
        for group in Group.objects.all()
    }


def test_migrate_creates_three_groups():
    assert groups() == {name: set(permissions) for name, permissions in GROUPS.items()}


def test_migrating_again_preserves_the_operators_changes_to_groups():
    support = Group.objects.get(name="Support")
    support.permissions.set(Permission.objects.filter(codename="freeze"))
    Group.objects.create(name="Auditors")

    call_command("migrate", verbosity=0)

    assert groups() == {
        **{name: set(permissions) for name, permissions in GROUPS.items()},
        "Support": {"accounts.freeze"},
        "Auditors": set(),
    }


@pytest.mark.django_db(transaction=True)
def test_an_emptied_database_has_the_groups_again():
    # A test with real commits may start with a database that another test has emptied.
    Group.objects.all().delete()

    call_command("migrate", verbosity=0)

    assert groups() == {name: set(permissions) for name, permissions in GROUPS.items()}


def test_every_permission_of_the_ledger_is_used():
    app_labels = ["accounts", "transfers"]
    declared = Permission.objects.filter(content_type__app_label__in=app_labels)

    names = {f"{each.content_type.app_label}.{each.codename}" for each in declared}

    asked = {SEE, "accounts.set_limit", *(name for needed in NEEDS.values() for name in needed)}
    assert names == asked | {"transfers.close_books", "transfers.approve"}
