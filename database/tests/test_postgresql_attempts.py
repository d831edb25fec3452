"""The reason why a database can't be reached is logged once, and so is the end of the outage."""

import logging

import psycopg
import pytest
from django.db import OperationalError, connections
from django.db.utils import ConnectionHandler

from database.postgresql import attempts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_logged_yet(caplog, monkeypatch):
    monkeypatch.setattr(attempts, "_logged", {})
    caplog.set_level(logging.INFO, "ledger.database")


def test_a_wrong_password_is_logged_once_and_without_the_password(caplog):
    own = connections["default"].settings_dict
    other = ConnectionHandler({"default": {**own, "USER": "nobody", "PASSWORD": "hunter2"}})

    for _ in range(3):
        with pytest.raises(OperationalError):
            other["default"].ensure_connection()

    [message] = caplog.messages
    assert message.startswith("can't connect to the database: ")
    assert "nobody" in message
    assert "hunter2" not in message


def test_each_other_reason_and_the_end_of_the_outage_are_logged(caplog):
    reasons = ["refused", "refused", "starting up", "", "", "refused"]

    def connect(_: object) -> str:
        if reason := reasons.pop(0):
            raise psycopg.OperationalError(reason)
        return "a connection"

    for _ in range(len(reasons)):
        try:
            assert attempts.logged({"host": "db1"}, connect) == "a connection"
        except psycopg.OperationalError:
            continue

    assert caplog.messages == [
        "can't connect to the database: refused",
        "can't connect to the database: starting up",
        "connected to the database again",
        "can't connect to the database: refused",
    ]
