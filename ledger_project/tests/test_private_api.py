"""All uses of private API are listed in the decision about it, and work as expected."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from ledger_project.tests.pages import ROOT, rows, text
from ledger_project.tests.private_api import used
from transfers.models import Transfer
from transfers.tests.orders import hold_order

PAGE = "docs/decisions/0032-private-api.md"


class Listed(NamedTuple):
    """A row of the page: the API, the files that use it, and the tests that cover it."""

    names: list[str]
    files: list[str]
    tests: list[str]

    def covers(self, path: str, name: str) -> bool:
        # A call of the parent's method is found by the method's name alone.
        return path in self.files and any(
            name in (each, each.rpartition(".")[2]) for each in self.names
        )


def listed() -> Iterator[Listed]:
    for row in rows(PAGE, "use"):
        yield Listed(*(re.findall("`([^`]+)`", row[title]) for title in ("use", "where", "test")))


@pytest.mark.one_database
def test_every_use_of_private_api_is_listed():
    missing = sorted(
        f"{path}:{line} {name}"
        for (path, name), line in used().items()
        if not any(row.covers(path, name) for row in listed())
    )

    assert missing == []


@pytest.mark.one_database
def test_every_listed_use_exists():
    gone = [
        (name, row.files)
        for row in listed()
        for name in row.names
        if not any(_mentions(path, name) for path in row.files)
    ]
    idle = [
        path
        for row in listed()
        for path in row.files
        if not any(_mentions(path, name) for name in row.names)
    ]

    assert (gone, idle) == ([], [])


def _mentions(path: str, name: str) -> bool:
    # Of a method its own name, of a module its whole name, of an attribute the last part.
    last = name if name.partition(".")[0].islower() and name.count(".") > 1 else name.split(".")[-1]
    source = text(path)
    found = re.search(rf"\b{re.escape(last)}\b", source)
    parent, _, child = name.rpartition(".")
    return bool(found) or (f"from {parent} import" in source and child in source)


@pytest.mark.one_database
def test_each_use_names_a_test_that_exists():
    tests = [test for row in listed() for test in row.tests]

    assert [row.names for row in listed() if not row.tests] == []
    assert [test for test in tests if not _exists(test)] == []


def _exists(test: str) -> bool:
    path, _, name = test.partition("::")
    return (ROOT / path).is_file() and (not name or f"def {name}(" in text(path))


# ── What no other test would show ────────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
def test_in_atomic_block_opens_no_connection():
    unconnected = connection.copy()

    with transaction.atomic():
        within = connection.in_atomic_block

    assert (unconnected.in_atomic_block, unconnected.connection) == (False, None)
    assert (within, connection.in_atomic_block) == (True, False)


@pytest.mark.django_db
def test_values_of_handwritten_sql_equal_those_that_django_stores(alice, bob, funded_account):
    hold = hold_order(funded_account(alice, 5), funded_account(bob), 5, actor=alice)

    # Django compares what is stored with what it would store.
    columns = [field.attname for field in Transfer._meta.concrete_fields if not field.is_relation]
    values = {name: getattr(hold, name) for name in columns if getattr(hold, name) is not None}
    ids = {"source_id": hold.source_id, "dest_id": hold.dest_id, "created_by_id": alice.pk}
    assert Transfer.objects.get(**values, **ids) == hold


@pytest.mark.django_db
def test_the_user_of_a_write_is_looked_up_once(api):
    with CaptureQueriesContext(connection) as queries:
        response = api.post("/accounts", {"owner_name": "Alice"})

    looked_up = [each["sql"] for each in queries if 'FROM "auth_user" ' in each["sql"]]
    assert (response.status_code, len(looked_up)) == (201, 1)
