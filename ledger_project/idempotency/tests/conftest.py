"""Fixtures for views that a test defines, and for database errors."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import psycopg
import pytest
from django.db import OperationalError
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.ledger import check_ledger
from ledger_project import urls
from ledger_project.idempotency.tests.queues import Work


@pytest.fixture
def serve(settings) -> Callable[..., str]:
    """Return a function that adds a view for ``action`` to the URLs and returns its path."""

    def serve_view(action: Callable[[Request], Response], **attributes: Any) -> str:
        def post(self: APIView, request: Request) -> Response:
            return action(request)

        view = type("ViewOfATest", (APIView,), {"post": post, **attributes})
        urlconf = ModuleType("urls_of_a_test")
        urlconf.__dict__.update(
            {name: value for name, value in vars(urls).items() if name.startswith("handler")},
            urlpatterns=[*urls.urlpatterns, path("served", view.as_view())],
        )
        settings.ROOT_URLCONF = urlconf
        return "/served"

    return serve_view


@pytest.fixture
def database_error() -> Callable[[str], OperationalError]:
    """Return a function that creates Django's exception for an SQLSTATE."""

    def make(sqlstate: str) -> OperationalError:
        error = OperationalError()
        error.__cause__ = psycopg.errors.lookup(sqlstate)()
        return error

    return make


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as pool:
        yield pool


@pytest.fixture
def books_in_order_afterwards() -> Iterator[None]:
    """Check the ledger after the test."""
    yield
    assert check_ledger().ok
