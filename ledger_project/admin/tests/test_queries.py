"""No URL, query or form of the admin causes a server error."""

from collections.abc import Iterator
from io import StringIO
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger_project.tests.savepoints import kept_for_module

pytestmark = [pytest.mark.django_db, pytest.mark.no_cover]

MODELS = [model for model in apps.get_models() if admin.site.is_registered(model)]

# Values that are invalid as text, numbers, dates or regular expressions.
HOSTILE = ["\0", "", "0", "-1", "9" * 30, "abc", "0001-01-01"]

# The query parameters that Django's lists read, besides filters.
PARAMETERS = ["q", "p", "o", "e", "all", "_changelist_filters", "_popup", "_to_field", "_facets"]
# Lookups that a client may send for a column or a relation.
LOOKUPS = [
    "",
    "__exact",
    "__year",
    "__isnull",
    "__in",
    "__range",
    "__regex",
    "__date__gt",
    "__x__y",
]
NOWHERE = ["nonsense", "nonsense__year", "pk__in", "id__in", "owner__password__startswith", "__"]


def address(model: type[Model], page: str, *args: str) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def queries(model: type[Model]) -> Iterator[dict[str, str]]:
    """Yield queries with hostile values of parameters, filters and other lookups."""
    lists = admin.site.get_model_admin(model).list_filter
    filters = [getattr(each, "parameter_name", each) for each in lists]
    for name in [*PARAMETERS, *NOWHERE, *filters]:
        yield from ({name: value} for value in HOSTILE)
    for name in filters:
        for lookup in ("__exact", "__isnull", "__id__exact"):
            yield from ({f"{name}{lookup}": value} for value in HOSTILE)
    for number, field in enumerate(model._meta.fields):
        yield {f"{field.name}__year": "0"}
        yield {f"{field.name}{LOOKUPS[number % len(LOOKUPS)]}": "99999999999"}


@pytest.fixture(scope="module")
def demo_data(django_db_setup, django_db_blocker) -> Iterator[None]:
    """The demo data, on which each test of this module starts."""
    with kept_for_module(django_db_blocker):
        call_command("seed_demo", stdout=StringIO())
        yield


@pytest.fixture
def browser(demo_data, db) -> Client:
    """Return a client logged in as a superuser, on a database with the demo data."""
    browser = Client(raise_request_exception=False)
    browser.force_login(User.objects.get(username="admin"))
    return browser


@pytest.fixture
def short_pages(monkeypatch) -> None:
    """Let the lists show three rows, because most of the time is spent on rendering rows."""
    for model in MODELS:
        monkeypatch.setattr(admin.site.get_model_admin(model), "list_per_page", 3)


def assert_page(response) -> None:
    assert response.status_code in (200, 302, 400, 403, 404)


def assert_messages(browser: Client, led_to: set[str | None]) -> None:
    """Follow the redirects, and check the home page, which shows the messages of all of them."""
    for location in led_to - {None}:
        assert_page(browser.get(location))
    assert_page(browser.get("/admin/"))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.usefixtures("short_pages")
def test_no_query_of_a_list_is_a_server_error(browser, model):
    path = address(model, "changelist")

    crashed = [
        query
        for query in queries(model)
        if browser.get(f"{path}?{urlencode(query)}").status_code >= 500
    ]

    assert crashed == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_list_accepts_its_own_filters(browser, model):
    page = browser.get(address(model, "changelist"))

    for choices in page.context["cl"].filter_specs:
        for choice in choices.choices(page.context["cl"]):
            response = browser.get(address(model, "changelist") + choice["query_string"])
            assert response.status_code == 200


# Malformed ids, and well-formed ids of no row.
SELECTED = ["x", "zz", "", "\0", "-1", "9" * 24, "1.5", str(UUID(int=0)), "0"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.usefixtures("short_pages")
def test_no_action_on_missing_rows_is_a_server_error(browser, model):
    path = address(model, "changelist")
    actions = [
        *(admin.site.get_model_admin(model).actions or ()),
        "delete_selected",
        "nonsense",
        "",
    ]

    crashed = [
        (action, selected, more)
        for action in actions
        for selected in ([], *([row_id] for row_id in SELECTED), SELECTED)
        for more in ({}, {"post": "yes"}, {"select_across": "1", "index": "x"})
        if browser.post(
            path, {"action": action, "_selected_action": selected, "reason": "Why", **more}
        ).status_code
        >= 500
    ]

    assert crashed == []


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/admin/auth/group/add/", ["permissions"]),
        ("/admin/auth/user/{user}/change/", ["groups", "user_permissions"]),
    ],
)
def test_no_missing_choice_in_a_form_is_a_server_error(browser, alice, path, names):
    path = path.format(user=alice.pk)

    crashed = [
        (name, chosen)
        for name in names
        for chosen in SELECTED
        if browser.post(path, {"name": "x", "username": "alice", name: [chosen]}).status_code >= 500
    ]

    assert crashed == []


NO_IDS = ["%00", "abc", "0", "9" * 30, "_00", "_0A", "_", "__", "%0A", "..", "%FF", "a/b", "%5F00"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("page", ["change", "history", "delete"])
def test_no_invalid_id_is_a_server_error(browser, model, page):
    path = address(model, page, "THIS")

    led_to = set()
    for row_id in NO_IDS:
        for query in ("", "?_to_field=pk", "?_changelist_filters=%00", "?_popup=%00"):
            response = browser.get(path.replace("THIS", row_id) + query)
            assert_page(response)
            led_to.add(response.get("Location"))
    assert_messages(browser, led_to)


ACTIONS = [
    (model, page.name)
    for model in MODELS
    for page in getattr(admin.site.get_model_admin(model), "action_pages", ())
]
FORMS = [
    {"reason": value, "amount": value, "overdraft_limit": value, "dest": value, "form_key": key}
    for value in [*HOSTILE, "1", str(UUID(int=0))]
    for key in ("", "abc", str(UUID(int=1)))
]


@pytest.mark.parametrize(("model", "action"), ACTIONS)
def test_no_page_of_an_action_is_a_server_error(browser, model, action):
    existing = model._default_manager.order_by("pk").last()
    path = address(model, action, "THIS")

    led_to = set()
    for row_id in NO_IDS:
        response = browser.get(path.replace("THIS", row_id))
        assert_page(response)
        led_to.add(response.get("Location"))
    assert_messages(browser, led_to)
    for query in ("", "?all", "?dest=%00", "?dest=abc&all=1"):
        assert_page(browser.get(path.replace("THIS", str(existing.pk)) + query))
    for form in FORMS:
        assert_page(browser.post(path.replace("THIS", str(existing.pk)), form))


def test_no_view_on_site_link_is_a_server_error(browser):
    for kind in [*ContentType.objects.values_list("pk", flat=True), "0", "abc", "9" * 30, "%00"]:
        for row_id in NO_IDS:
            assert_page(browser.get(f"/admin/r/{kind}/{row_id}/"))


@pytest.mark.parametrize(
    "path",
    [
        "/admin/?%00=%00",
        "/admin/%00/",
        "/admin/auth/%00/",
        "/admin/login/?next=%00",
        "/admin/jsi18n/?%00",
        "/admin/autocomplete/?app_label=%00&model_name=%00&field_name=%00&term=%00",
        "/admin/autocomplete/?app_label=accounts&model_name=account&field_name=owner&term=%00",
        "/admin/password_change/?%00",
        "/admin/auth/user/abc/password/",
        f"/admin/auth/user/{'9' * 30}/password/",
    ],
)
def test_no_nul_or_invalid_id_elsewhere_is_a_server_error(browser, path):
    assert_page(browser.get(path))


@hypothesis_settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    model=st.sampled_from(MODELS),
    query=st.dictionaries(
        st.sampled_from([*PARAMETERS, "currency", "status", "kind", "type", "action"])
        | st.text(max_size=12),
        st.text(max_size=30),
        max_size=3,
    ),
)
def test_no_random_query_of_a_list_is_a_server_error(browser, model, query):
    encoded = urlencode(query, errors="surrogatepass")

    assert_page(browser.get(f"{address(model, 'changelist')}?{encoded}"))
