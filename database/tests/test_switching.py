"""The connection that stands in for Django's default one in one thread."""

import threading

import pytest
from django.db import connection, connections, transaction

from database.switching import current_ledger, named, switched_to

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_thread_uses_another_connection_until_the_block_ends():
    usual, other = connections["default"], connection.copy()
    seen = []

    def look() -> None:
        seen.append(connections["default"] in (usual, other))
        connection.close()

    try:
        with switched_to(other), transaction.atomic():
            inside = (other.in_atomic_block, usual.in_atomic_block, connection.in_atomic_block)
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
    finally:
        other.close()

    assert inside == (True, False, True)
    assert seen == [False]
    assert connections["default"] is usual


def test_an_error_ends_the_switch():
    usual, other = connections["default"], connection.copy()

    with pytest.raises(ZeroDivisionError), named("a.example"), switched_to(other):
        raise ZeroDivisionError

    assert connections["default"] is usual
    assert current_ledger() is None


def test_the_innermost_name_counts():
    with named("a.example"):
        with named("b.example"):
            assert current_ledger() == "b.example"
        assert current_ledger() == "a.example"
    assert current_ledger() is None
