"""The process that opens the port, forks the workers, and replaces those that die."""

import os
import resource
import signal
import socket
import time
from collections.abc import Callable

import structlog
import uuid_utils

# After which a worker that was told to stop is killed.
KILL_SECONDS = 15
# A worker that dies as soon as it starts is replaced at this pace.
SHORTEST_LIFE = 0.1
# Connections and files of a worker; many systems allow 1,024 unless more is asked for.
OPEN_FILES = 4096

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGALRM}

logger = structlog.get_logger("ledger.server")


class Supervisor:
    """Keep ``count`` workers alive, each running ``work``, until SIGTERM or SIGINT."""

    def __init__(self, count: int, work: Callable[[int], None]) -> None:
        self._count, self._work = count, work
        # The birth of each worker by its process.
        self._workers: dict[int, float] = {}
        # Closes with this process, however it ends: that is how the workers hear of it.
        self._heard, self._alive = os.pipe()

    def run(self) -> None:
        """Supervise. A second signal ends the workers at once."""
        # A signal waits until it is asked for: none is lost between two steps.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        logger.info("serving", pid=os.getpid(), workers=self._count)
        while True:
            while len(self._workers) < self._count and self._fork():
                pass
            number = signal.sigwait(SIGNALS)
            if number in (signal.SIGTERM, signal.SIGINT):
                return self._stop()
            self._bury()

    def _fork(self) -> bool:
        try:
            process = os.fork()
        except OSError as error:
            # The system has no room for a process: again in a second.
            logger.error("no worker could be started", reason=str(error))
            signal.alarm(1)
            return False
        if process == 0:
            try:
                os.close(self._alive)
                # Or two workers could make the same ids.
                uuid_utils.reseed_rng()
                self._work(self._heard)
            finally:
                os._exit(1)
        self._workers[process] = time.monotonic()
        return True

    def _bury(self) -> None:
        for process, status in self._dead():
            code = os.waitstatus_to_exitcode(status)
            logger.error("worker died", pid=process, exit_code=code)
            if time.monotonic() - self._workers.pop(process) < SHORTEST_LIFE:
                time.sleep(SHORTEST_LIFE)

    def _dead(self) -> list[tuple[int, int]]:
        found = []
        for process in self._workers:
            pid, status = os.waitpid(process, os.WNOHANG)
            if pid:
                found.append((pid, status))
        return found

    def _stop(self) -> None:
        self._tell_all(signal.SIGTERM)
        signal.alarm(KILL_SECONDS)
        while True:
            for process, _ in self._dead():
                del self._workers[process]
            if not self._workers:
                return
            if signal.sigwait(SIGNALS) != signal.SIGCHLD:
                self._tell_all(signal.SIGKILL)

    def _tell_all(self, number: signal.Signals) -> None:
        for process in self._workers:
            os.kill(process, number)


def listen(host: str, port: int) -> socket.socket:
    """Open the port, for every worker together: what waits to be accepted survives them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    listener.setblocking(False)
    return listener


def allow_open_files() -> None:
    """Raise the limit of open files as far as it is needed and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
