"""A ledger whose database doesn't respond occupies one thread at most."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ledger_project.ledgers import outages
from ledger_project.ledgers.tests.conftest import A, B
from ledger_project.ledgers.tests.databases import write


class Silent:
    """A server that accepts connections and never responds."""

    def __init__(self, listener: socket.socket) -> None:
        self.port, self.accepted = listener.getsockname()[1], []


@contextmanager
def silent_server() -> Iterator[Silent]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = Silent(listener)

        def accept() -> None:
            try:
                while True:
                    silent.accepted.append(listener.accept()[0])
            except OSError:
                pass

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield silent
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for each in silent.accepted:
            each.close()


def test_after_an_attempt_the_others_are_answered_at_once(
    ledgers, urls, tmp_path, settings, client, monkeypatch
):
    monkeypatch.setattr(outages, "RETRY_SECONDS", 600)
    with silent_server() as silent:
        away = f"postgresql://ledger@127.0.0.1:{silent.port}/away?connect_timeout=2&sslmode=disable"
        write(tmp_path / "away.toml", {A: away, B: urls[B]})
        settings.LEDGERS = str(tmp_path / "away.toml")

        answers = [client.get("/readyz", headers={"Host": A}).status_code for _ in range(5)]
        assert answers == [503] * 5
        assert len(silent.accepted) == 1
        assert client.get("/readyz", headers={"Host": B}).status_code == 200
