"""
The exact status of every route and method for every kind of user.

The routes are read from the URL patterns, and a method without a row must be 405 for everyone. A
new route or method therefore fails a test until the matrix says who may use it.
"""

import re
import uuid

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import URLResolver, get_resolver

from ledger_project.tests.savepoints import rolled_back
from ledger_project.tests.security_scene import ACCOUNT, TRANSFER, Scene

pytestmark = [pytest.mark.django_db, pytest.mark.no_cover]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# The owner of the object in the path, another user, staff without permissions, members of each
# group, a superuser, and the owner with a valid token after being deactivated.
PERSONAS = (
    *("anonymous", "owner", "other"),
    *("newcomer", "support", "approver", "operator", "superuser"),
    "deactivated",
)
# Another machine, because `/metrics` trusts this one.
ELSEWHERE = "203.0.113.9"

APPROVAL = "approvals/<id:approval_id>"
SERVICE_KEY = "service-keys/<id:client_id>"
WEBHOOK = "webhooks/<id:webhook_id>"


def logged_in(status: int) -> tuple[int, ...]:
    return (401, *[status] * 7, 401)


EVERYBODY = (200,) * 9
EVERYBODY_LOGGED_IN = logged_in(200)
READERS = (401, 200, 404, 404, 200, 200, 200, 200, 401)
OWNER_AND_OPERATIONS = (401, 200, 404, 404, 403, 403, 200, 200, 401)
OWNER_AND_OPERATIONS_POST = (401, 201, 404, 404, 403, 403, 201, 201, 401)
OPERATIONS = (401, 403, 404, 404, 403, 403, 200, 200, 401)
APPROVERS = (401, 403, 404, 404, 403, 200, 403, 200, 401)

# The statuses in the order of the personas.
MATRIX = {
    ("auth/token", "POST"): logged_in(200),
    ("auth/token/refresh", "POST"): logged_in(200),
    ("auth/logout", "POST"): logged_in(204),
    ("accounts", "POST"): logged_in(201),
    ("accounts", "GET"): EVERYBODY_LOGGED_IN,
    (ACCOUNT, "GET"): READERS,
    (ACCOUNT, "PATCH"): OWNER_AND_OPERATIONS,
    (f"{ACCOUNT}/close", "POST"): OWNER_AND_OPERATIONS,
    (f"{ACCOUNT}/freeze", "POST"): OPERATIONS,
    (f"{ACCOUNT}/unfreeze", "POST"): OPERATIONS,
    (f"{ACCOUNT}/deposit", "POST"): OWNER_AND_OPERATIONS,
    (f"{ACCOUNT}/withdraw", "POST"): OWNER_AND_OPERATIONS,
    (f"{ACCOUNT}/statement", "GET"): READERS,
    (f"{ACCOUNT}/balance", "GET"): READERS,
    ("transfers", "POST"): OWNER_AND_OPERATIONS_POST,
    ("transfers", "GET"): EVERYBODY_LOGGED_IN,
    ("transfers/batch", "POST"): OWNER_AND_OPERATIONS_POST,
    ("events", "GET"): EVERYBODY_LOGGED_IN,
    (TRANSFER, "GET"): READERS,
    (f"{TRANSFER}/capture", "POST"): OWNER_AND_OPERATIONS_POST,
    (f"{TRANSFER}/void", "POST"): OWNER_AND_OPERATIONS_POST,
    (f"{TRANSFER}/reverse", "POST"): OWNER_AND_OPERATIONS_POST,
    ("approvals", "GET"): EVERYBODY_LOGGED_IN,
    (APPROVAL, "GET"): READERS,
    (f"{APPROVAL}/approve", "POST"): APPROVERS,
    (f"{APPROVAL}/decline", "POST"): APPROVERS,
    # Only the user who has asked withdraws it.
    (f"{APPROVAL}/withdraw", "POST"): (401, 200, 404, 404, *[403] * 4, 401),
    ("service-keys", "POST"): logged_in(201),
    ("service-keys", "GET"): EVERYBODY_LOGGED_IN,
    (SERVICE_KEY, "GET"): READERS,
    (f"{SERVICE_KEY}/revoke", "POST"): OWNER_AND_OPERATIONS,
    ("webhooks", "POST"): logged_in(201),
    ("webhooks", "GET"): EVERYBODY_LOGGED_IN,
    (WEBHOOK, "GET"): READERS,
    (WEBHOOK, "PATCH"): OWNER_AND_OPERATIONS,
    (WEBHOOK, "DELETE"): (401, 204, 404, 404, 403, 403, 204, 204, 401),
    (f"{WEBHOOK}/rotate-secret", "POST"): OWNER_AND_OPERATIONS,
    (f"{WEBHOOK}/test", "POST"): (401, 202, 404, 404, 403, 403, 202, 202, 401),
    (f"{WEBHOOK}/enable", "POST"): OWNER_AND_OPERATIONS,
    (f"{WEBHOOK}/replay", "POST"): OWNER_AND_OPERATIONS,
    (f"{WEBHOOK}/deliveries", "GET"): READERS,
    (f"{WEBHOOK}/deliveries/<id:delivery_id>/retry", "POST"): OWNER_AND_OPERATIONS,
    # Only the user who sent a key finds it.
    ("idempotency-keys/<path:key>", "GET"): (401, 200, *[404] * 6, 401),
    ("integrity", "GET"): (401, 403, 403, 403, 200, 200, 200, 200, 401),
    # Open to everyone on this machine. The token of a user doesn't open it from elsewhere.
    ("metrics", "GET"): (401,) * 9,
    ("healthz", "GET"): EVERYBODY,
    ("readyz", "GET"): EVERYBODY,
    ("openapi.json", "GET"): EVERYBODY,
    ("docs", "GET"): EVERYBODY,
    ("", "GET"): (302,) * 9,
}
# HEAD is GET without its body.
MATRIX |= {(route, "HEAD"): row for (route, method), row in MATRIX.items() if method == "GET"}


def routes(patterns=None, prefix=""):
    """Return every route as it is written in the URL patterns."""
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        nested = isinstance(pattern, URLResolver)
        found += routes(pattern.url_patterns, route) if nested else [route]
    return found


API_ROUTES = [route for route in routes() if not route.startswith("admin/")]
ADMIN_ROUTES = [route for route in routes() if route.startswith("admin/")]


@pytest.fixture
def scene(alice, bob, newcomer, make_user, client_for, funded_account) -> Scene:
    return Scene(alice, bob, newcomer, make_user, client_for, funded_account)


def status_of(scene, route, method, persona) -> int:
    with rolled_back():
        path, body = scene.request(route, method, persona)
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        content = {} if method in ("GET", "HEAD", "OPTIONS") else {"data": body}
        call = getattr(scene.client(persona), method.lower())
        return call(path, **content, headers=headers, REMOTE_ADDR=ELSEWHERE).status_code


def test_the_matrix_has_a_row_for_every_route_and_no_others():
    assert set(API_ROUTES) == {route for route, _ in MATRIX}


@pytest.mark.parametrize("persona", PERSONAS)
def test_each_persona_gets_the_status_in_the_matrix(scene, persona):
    statuses = {row: status_of(scene, *row, persona) for row in MATRIX}

    place = PERSONAS.index(persona)
    assert statuses == {row: of_all[place] for row, of_all in MATRIX.items()}


OTHERS = [
    (route, method) for route in API_ROUTES for method in METHODS if (route, method) not in MATRIX
]


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_method_without_a_row_is_405_for_every_authenticated_persona(scene, persona):
    statuses = {row: status_of(scene, *row, persona) for row in OTHERS}

    def is_allowed(route):
        rows = [row for (name, _), row in MATRIX.items() if name == route]
        is_known = all(row[PERSONAS.index(persona)] != 401 for row in rows)
        return is_known or route.startswith("auth/") or route == "metrics"

    assert statuses == {row: 405 if is_allowed(row[0]) else 401 for row in OTHERS}


# ── The admin, which uses sessions ─────────────────────────────────────────────────────

# The statuses for staff without permissions, for pages of tables by the end of the path.
SHELL_PAGES = {
    "": 200,
    "find/": 200,
    "login/": 302,
    "logout/": 405,
    "password_change/": 200,
    "password_change/done/": 200,
    "autocomplete/": 403,
    "jsi18n/": 200,
    "r/<path:content_type_id>/<path:object_id>/": 404,
    # A pattern of the names of all registered apps, whose order varies.
    "^(?P<app_label>)/$": 404,
    "(?P<url>.*)$": 404,
}
# The object doesn't exist: the history redirects to the index, and the short URL to its page.
TABLE_PAGES = {
    "add/": 403,
    "history/": 302,
    "delete/": 403,
    "change/": 403,
    "password/": 403,
    **{
        f"{action}/": 403
        for action in (
            *("deposit", "withdraw", "transfer", "freeze", "unfreeze", "limit", "close"),
            *("capture", "void", "reverse"),
        )
    },
    "<path:object_id>/": 302,
}
# All other routes are the lists themselves.
LIST_PAGE = 403
STRANGERS = ["anonymous", "owner", "other", "deactivated"]


def open_page(scene, route, persona):
    """GET a page of the admin in a session of the persona."""
    browser = Client()
    with rolled_back():
        if scene.people[persona] is not None:
            browser.force_login(scene.people[persona])
        scene.client(persona)
        path = re.sub(r"<(path:)?\w*id>|\(\?P<app_label>[^)]*\)|\(\?P<url>.*\)", "0", route)
        return browser.get("/" + re.sub(r"[\^$]", "", path))


@pytest.mark.parametrize("persona", STRANGERS)
def test_a_page_of_the_admin_redirects_non_staff_to_the_login(scene, persona):
    responses = {
        route: open_page(scene, route, persona) for route in ADMIN_ROUTES if route != "admin/login/"
    }

    led_to = {
        route: (response.status_code, response["Location"].partition("?")[0])
        for route, response in responses.items()
    }
    assert led_to == {
        **dict.fromkeys(responses, (302, "/admin/login/")),
        "admin/logout/": (302, "/admin/"),
    }


@pytest.mark.parametrize("persona", STRANGERS)
def test_everyone_can_open_the_login_page(scene, persona):
    assert open_page(scene, "admin/login/", persona).status_code == 200


def test_staff_need_a_permission_for_every_table_of_the_admin(scene):
    statuses = {route: open_page(scene, route, "newcomer").status_code for route in ADMIN_ROUTES}

    def expected(route):
        page = re.sub(r"(?<=app_label>)[^)]*", "", route.removeprefix("admin/"))
        ends = [status for end, status in TABLE_PAGES.items() if page.endswith(end)]
        return SHELL_PAGES.get(page, (ends or [LIST_PAGE])[0])

    assert statuses == {route: expected(route) for route in ADMIN_ROUTES}


ALL = [
    "accounts.Account",
    "accounts.AccountChange",
    "approvals.Approval",
    "auth.Group",
    "auth.User",
    "events.Event",
    "idempotency.IdempotencyKey",
    "service_keys.ServiceKey",
    "transfers.LedgerEntry",
    "transfers.Transfer",
    "webhooks.Delivery",
    "webhooks.Endpoint",
]
TABLES = {"newcomer": [], **dict.fromkeys(["support", "approver", "operator", "superuser"], ALL)}


@pytest.mark.parametrize("persona", TABLES)
def test_each_group_opens_the_tables_of_the_ledger_and_no_others(scene, client, persona):
    client.force_login(scene.people[persona])
    paths = {
        model._meta.label: f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for model in apps.get_models()
        if admin.site.is_registered(model)
    }

    opened = [label for label, path in paths.items() if client.get(path).status_code == 200]

    listed = [
        table["model"]._meta.label
        for app in admin.site.get_app_list(client.get("/admin/").wsgi_request)
        for table in app["models"]
    ]
    assert sorted(opened) == sorted(listed) == sorted(TABLES[persona])
