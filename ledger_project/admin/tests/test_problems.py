"""Errors in the admin are HTML pages. Errors elsewhere stay problem documents."""

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils.functional import SimpleLazyObject

from api import problems
from ledger_project.admin.middleware import AdminProblemMiddleware

pytestmark = pytest.mark.django_db

BACK = '<a href="/admin/">Back to the admin home page</a>'


def assert_page(response, status, title):
    html = response.content.decode()
    assert (response.status_code, response["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert f"<title>{title} | Mini Ledger API</title>" in html
    assert f"<h1>{title}</h1>" in html
    assert BACK in html


@pytest.mark.parametrize("path", ["/admin/nothing/", "/admin/accounts/nothing/"])
def test_an_unknown_url_is_an_error_page(admin_client, path):
    assert_page(admin_client.get(path), 404, "There is nothing here")


def test_a_missing_permission_is_an_error_page(client, newcomer):
    client.force_login(newcomer)

    response = client.get("/admin/accounts/account/")

    assert_page(response, 403, "You may not do this")


def test_a_missing_csrf_token_is_an_error_page(admin_user):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin_user)

    response = browser.post("/admin/accounts/account/")

    assert_page(response, 403, "This form is out of date")


def test_the_error_page_of_an_unreachable_database_makes_no_query(rf, django_assert_num_queries):
    def away():
        raise OperationalError("away")

    request = rf.get("/admin/")
    request.user = SimpleLazyObject(away)

    with django_assert_num_queries(0):
        try:
            raise OperationalError("away")
        except OperationalError:
            response = AdminProblemMiddleware(problems.server_error)(request)

    assert_page(response, 503, "The ledger can&#x27;t reach its database")
    assert response["Retry-After"] == "1"


def test_an_unhandled_exception_is_an_error_page_without_its_message(rf):
    try:
        raise ZeroDivisionError("secret")
    except ZeroDivisionError:
        response = AdminProblemMiddleware(problems.server_error)(rf.get("/admin/"))

    assert_page(response, 500, "The ledger failed")
    assert "secret" not in response.content.decode()


@pytest.mark.parametrize("path", ["/nothing", "/administrators/"])
def test_an_error_outside_of_the_admin_is_a_problem_document(client, path):
    response = client.get(path)

    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
