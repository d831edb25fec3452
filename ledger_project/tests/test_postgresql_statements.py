"""The number of SQL statements of each request, without BEGIN and COMMIT."""

import uuid

import pytest

from ledger_project.tests.crash_scene import (
    ROUTES,
    Fault,
    expected_effect,
    send,
)
from ledger_project.tests.test_crash_points import scene  # noqa: F401 -- a fixture

pytestmark = pytest.mark.django_db(transaction=True)

# Grouped: the callers and their keys, the lock, the posting, and the keys with their responses.
# Others: the look-up of the user, the claim of the key, the statements of the service, and the
# stored response.
STATEMENTS = {
    "open": 4,
    "rename": 8,
    "deposit": 4,
    "withdraw": 4,
    "close": 8,
    # These first look for an account of the user, and then look up the permissions.
    "freeze": 10,
    "unfreeze": 10,
    "transfer": 4,
    "hold": 4,
    "batch": 5,
    # These first read the original transfer, and check after the lock whether it is resolved.
    "capture": 7,
    "void": 7,
    "reverse": 7,
    # These look for expired holds to release.
    "expiry": 5,
    "refusal": 4,
    # These are carried out and rolled back before they are stored.
    "wait for approval": 12,
    "wait for the approval of a reversal": 18,
    # These look for the approval, look up the permissions, and lock the approval.
    "approve": 13,
    "decline": 10,
    "create a service key": 5,
    "revoke a service key": 9,
    "register a webhook": 10,
    "test a webhook": 8,
    "delete a webhook": 8,
}


@pytest.mark.parametrize("route", ROUTES)
def test_a_request_takes_no_statement_more(route, scene):  # noqa: F811
    statements = expected_effect(route, scene).statements

    assert statements == STATEMENTS[route]


def test_a_replay_of_a_transfer_takes_two_statements(scene):  # noqa: F811
    request, key, counting = ROUTES["transfer"](scene), str(uuid.uuid4()), Fault()
    send(request, key, Fault())

    send(request, key, counting)

    assert counting.count == 2
