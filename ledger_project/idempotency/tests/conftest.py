"""Fixtures for views that a test defines, and for database errors."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import ModuleType
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.exceptions import LARGEST_BODY
from audit.ledger import check_ledger
from ledger_project import urls
from ledger_project.idempotency import groups
from ledger_project.idempotency.tests.gates import Gated
from ledger_project.idempotency.tests.queues import LONG, Work


@pytest.fixture
def serve(settings) -> Callable[..., str]:
    """Return a function that adds a view for ``action`` to the URLs and returns its path."""

    def serve_view(action: Callable[[Request], Response], **attributes: Any) -> str:
        def post(self: APIView, request: Request) -> Response:
            return action(request)

        view = type(
            "ViewOfATest", (APIView,), {"post": post, "max_body": LARGEST_BODY, **attributes}
        )
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
    # Two groups of 64, and their gates.
    with ThreadPoolExecutor(130) as pool:
        yield pool


@pytest.fixture
def gated(
    patient_database: None, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Gated]]:
    """Return a function that returns a combiner with a closed gate, which is opened at the end."""
    monkeypatch.setattr(groups, "GROUP_SECONDS", LONG)
    if connection.vendor == "postgresql":
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "client_timeout", LONG)
    made: list[Gated] = []

    def make() -> Gated:
        made.append(Gated(threads))
        return made[-1]

    yield make
    for each in made:
        each.open()
    groups.combiner.cache_clear()


@pytest.fixture
def in_one_group(gated: Callable[..., Gated]) -> Callable[..., list[Any]]:
    """Return a function that runs calls of the API as one group, and returns their responses."""

    def run(*calls: Callable[[], Any]) -> list[Any]:
        gate = gated()
        futures = [gate.add(call) for call in calls]
        gate.open()
        return [future.result(timeout=LONG) for future in futures]

    return run


@pytest.fixture
def pay(client_for, alice, bob, funded_account) -> Callable[..., Callable[[], Any]]:
    """Return a function that returns a call with which alice pays bob, or does what is said."""
    source, dest = funded_account(alice, 10_000), funded_account(bob)

    def make(amount: int, key: str | None = None, user: User = alice, **body: Any) -> Any:
        order = {"source_account_id": source.pk, "dest_account_id": dest.pk, "amount": amount}
        return partial(client_for(user).post, "/transfers", order | body, key=key)

    make.source, make.dest = source, dest  # type: ignore[attr-defined]
    return make


@pytest.fixture
def books_in_order_afterwards() -> Iterator[None]:
    """Check the ledger after the test."""
    yield
    assert check_ledger().ok
