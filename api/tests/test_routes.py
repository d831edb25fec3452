"""The template of a request's route, and the code of its error, for logs and metrics."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve

from api.exceptions import NotFound
from api.problems import Problem
from api.routes import code_of, route_of

UUID = "018f2b6e-7c1a-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/accounts", "/accounts"),
        (f"/accounts/{UUID}/deposit", "/accounts/{account_id}/deposit"),
        ("/idempotency-keys/a/b", "/idempotency-keys/{key}"),
        (f"/admin/accounts/account/{UUID}/change/", "/admin/accounts/account/{object_id}/change/"),
        ("/admin/nothing", "/admin/{url}"),
    ],
)
def test_a_route_is_the_path_with_the_names_of_its_parameters(path, template):
    request = RequestFactory().get(path)
    request.resolver_match = resolve(path)

    assert route_of(request) == template


def test_a_request_that_no_route_matches_has_no_route():
    assert route_of(RequestFactory().get("/nothing")) is None


def test_a_problem_document_has_the_code_of_its_error():
    request = RequestFactory().get("/nothing")

    assert code_of(Problem(NotFound()).response(request)) == "not_found"


def test_other_responses_have_no_code():
    assert code_of(HttpResponse()) is None
