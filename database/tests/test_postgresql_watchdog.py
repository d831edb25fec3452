"""A connection that doesn't respond in time is closed, and the log says so once a minute."""

import socket
from types import SimpleNamespace

import pytest

from database.postgresql import watchdog


@pytest.fixture
def waiting(monkeypatch):
    """A connection for which a thread has waited since 100 s, and the server's end of it."""
    ours, servers = socket.socketpair()
    with ours, servers:
        connection = SimpleNamespace(fileno=ours.fileno)
        monkeypatch.setattr(watchdog, "_waiting", {1: (100.0, connection)})
        yield servers


def test_a_connection_is_left_alone_until_its_deadline(waiting, caplog):
    assert watchdog._look(99.0, 0.0) == 0.0

    waiting.setblocking(False)
    with pytest.raises(BlockingIOError):
        waiting.recv(1)
    assert caplog.messages == []


def test_a_late_connection_is_closed_and_logged_once_a_minute(waiting, caplog):
    logged_at = float("-inf")
    for now in (101.0, 102.0, 161.0, 162.0):
        logged_at = watchdog._look(now, logged_at)

    assert waiting.recv(1) == b""
    assert caplog.messages == [watchdog.LATE] * 2
