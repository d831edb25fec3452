"""
The admin of users and groups.

Only superusers may grant rights or change users who have rights. Staff with all of Django's
permissions on users and groups, called managers here, may not.
"""

import pytest
from django.contrib.auth.models import Group, Permission, User

from accounts.tests.admin_pages import field

USERS, GROUPS = "/admin/auth/user/", "/admin/auth/group/"
PASSWORDS = {"password1": "of an attacker", "password2": "of an attacker"}
# All of Django's permissions on users and groups.
MANAGES = [
    f"auth.{verb}_{model}"
    for verb in ("add", "change", "delete", "view")
    for model in ("user", "group")
]
RIGHTS = {"is_staff": "on", "is_superuser": "on"}


@pytest.fixture
def manager(make_user) -> User:
    """Return a staff user with all of Django's permissions on users and groups."""
    return make_user(*MANAGES, username="manager", is_staff=True)


@pytest.fixture
def browser(client, manager):
    client.force_login(manager)
    return client


@pytest.fixture(params=["staff", "superuser", "member", "holder", "deactivated", "oneself"])
def entitled(request, make_user, manager) -> User:
    """Return a user with one kind of rights."""
    user = {
        "staff": lambda: make_user(is_staff=True),
        "superuser": lambda: make_user(is_superuser=True),
        "member": make_user,
        "holder": lambda: make_user("transfers.move_cash"),
        "deactivated": lambda: make_user("transfers.approve", is_active=False),
        "oneself": lambda: manager,
    }[request.param]()
    if request.param == "member":
        user.groups.add(Group.objects.get(name="Approvers"))
    return user


def page(user) -> str:
    return f"{USERS}{user.pk}/change/"


def password_page(user) -> str:
    return f"{USERS}{user.pk}/password/"


def row(user) -> tuple:
    """Return a user's columns, group names and permission codenames."""
    columns = User.objects.filter(pk=user.pk).values().get()
    groups = set(user.groups.values_list("name", flat=True))
    return columns, groups, set(user.user_permissions.values_list("codename", flat=True))


def everything() -> dict[str, object]:
    """Return a form that would grant every right to its user."""
    return {
        **RIGHTS,
        "is_active": "on",
        "groups": list(Group.objects.values_list("pk", flat=True)),
        "user_permissions": list(Permission.objects.values_list("pk", flat=True)),
    }


def dates_of(user) -> dict[str, str]:
    joined = user.date_joined
    return {"date_joined_0": f"{joined:%Y-%m-%d}", "date_joined_1": f"{joined:%H:%M:%S}"}


def test_a_user_manager_cannot_grant_rights(browser, alice):
    before = row(alice)
    form = {"username": "alice", "email": "new@example.com", **everything(), **dates_of(alice)}

    response = browser.post(page(alice), {**form, "last_login_0": "2020-01-01", "_save": "Save"})

    columns, groups, permissions = row(alice)
    assert response.status_code == 302
    assert columns == {**before[0], "email": "new@example.com"}
    assert (groups, permissions) == (set(), set())


def test_a_user_manager_sees_rights_as_read_only(browser, alice):
    shown = browser.get(page(alice))

    editable = set(shown.context["adminform"].form.fields) - {"password"}
    assert editable == {"username", "first_name", "last_name", "email", "is_active"}
    assert field(shown, "is_superuser") == ""


def test_a_user_manager_cannot_change_a_user_with_rights(browser, entitled):
    before = row(entitled)
    form = {"username": "renamed", "email": "mine@example.com", **dates_of(entitled)}

    responses = [
        browser.post(page(entitled), {**form, **rights}) for rights in ({}, RIGHTS, everything())
    ]
    seen = browser.get(page(entitled))

    assert [response.status_code for response in responses] == [403, 403, 403]
    assert row(entitled) == before
    assert (seen.status_code, seen.context["has_change_permission"]) == (200, False)
    assert entitled.password not in seen.content.decode()


def test_a_user_manager_cannot_set_the_password_of_a_user_with_rights(browser, entitled):
    before = row(entitled)

    responses = [
        browser.get(password_page(entitled)),
        browser.post(password_page(entitled), PASSWORDS),
        browser.post(password_page(entitled), {"usable_password": "false", "unset-password": "1"}),
    ]

    assert [response.status_code for response in responses] == [403, 403, 403]
    assert row(entitled) == before


def test_a_user_manager_can_set_a_customers_password_and_deactivate_them(browser, alice):
    responses = [
        browser.post(password_page(alice), {**PASSWORDS, "usable_password": "true"}),
        browser.post(page(alice), {"username": "alice"}),
    ]

    alice.refresh_from_db()
    assert [response.status_code for response in responses] == [302, 302]
    assert (alice.check_password("of an attacker"), alice.is_active) == (True, False)


def test_a_new_user_has_no_rights_whatever_the_form_contains(browser):
    form = {"username": "accomplice", "usable_password": "true", **PASSWORDS, **everything()}

    response = browser.post(f"{USERS}add/", form)

    made = User.objects.get(username="accomplice")
    assert response.status_code == 302
    assert (made.is_staff, made.is_superuser, made.is_active) == (False, False, True)
    assert (made.groups.count(), made.user_permissions.count()) == (0, 0)


def test_a_group_manager_cannot_change_groups(browser):
    support = Group.objects.get(name="Support")
    before = set(support.permissions.values_list("pk", flat=True))
    form = {"name": "Support", "permissions": list(Permission.objects.values_list("pk", flat=True))}

    responses = [
        browser.post(f"{GROUPS}{support.pk}/change/", form),
        browser.post(f"{GROUPS}add/", {**form, "name": "Mine"}),
        browser.post(f"{GROUPS}{support.pk}/delete/", {"post": "yes"}),
    ]
    delete = {"action": "delete_selected", "_selected_action": support.pk, "post": "yes"}
    browser.post(GROUPS, delete)

    assert [response.status_code for response in responses] == [403, 403, 403]
    assert set(Group.objects.get(name="Support").permissions.values_list("pk", flat=True)) == before
    assert Group.objects.filter(name="Mine").count() == 0
    assert browser.get(GROUPS).status_code == 200


def test_a_superuser_can_grant_rights_to_users_and_groups(admin_client, alice):
    approvers = Group.objects.get(name="Approvers")
    freeze = Permission.objects.get(codename="freeze")
    form = {"username": "alice", "is_active": "on", **RIGHTS, "groups": [approvers.pk]}

    responses = [
        admin_client.post(page(alice), {**form, **dates_of(alice)}),
        admin_client.post(password_page(alice), {**PASSWORDS, "usable_password": "true"}),
        admin_client.post(
            f"{GROUPS}{approvers.pk}/change/", {"name": "Approvers", "permissions": [freeze.pk]}
        ),
    ]

    alice.refresh_from_db()
    assert [response.status_code for response in responses] == [302, 302, 302]
    assert (alice.is_staff, alice.is_superuser, alice.groups.get()) == (True, True, approvers)
    assert alice.check_password("of an attacker")
    assert set(approvers.permissions.all()) == {freeze}
