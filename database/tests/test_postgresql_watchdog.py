"""A connection that doesn't respond in time is closed, and the log says so once a minute."""

import socket
from types import SimpleNamespace

import pytest

from database.postgresql import watchdog

# So far in the future that the watchdog thread of this process doesn't close the connection first.
DEADLINE = 1e9


@pytest.fixture
def waiting(monkeypatch):
    """Return the server's end of a connection that the watchdog closes at ``DEADLINE``."""
    ours, servers = socket.socketpair()
    with ours, servers:
        connection = SimpleNamespace(fileno=ours.fileno)
        monkeypatch.setitem(watchdog._waiting, 0, (DEADLINE, connection))
        yield servers


def test_a_connection_is_left_alone_until_its_deadline(waiting, caplog):
    assert watchdog._look(DEADLINE - 1, 0.0) == 0.0

    waiting.setblocking(False)
    with pytest.raises(BlockingIOError):
        waiting.recv(1)
    assert caplog.messages == []


def test_a_late_connection_is_closed_and_logged_once_a_minute(waiting, caplog):
    logged_at = float("-inf")
    for seconds in (1, 2, 61, 62):
        logged_at = watchdog._look(DEADLINE + seconds, logged_at)

    assert waiting.recv(1) == b""
    assert caplog.messages == [watchdog.LATE] * 2
