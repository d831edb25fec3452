"""gunicorn, which forks the workers and replaces those that die, and uvicorn in each of them."""

import asyncio
import os
import resource
import signal
import socket
import time
from typing import Any

import uuid_utils
import uvicorn
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from ledger_project.server.front import Front
from ledger_project.server.protocol import IDLE_SECONDS, Protocol

# After which a worker that was told to stop ends, whatever is under way; and is killed.
STOP_SECONDS, KILL_SECONDS = 14, 16
# A worker whose event loop stands still for so long is replaced.
STALLED_SECONDS = 30
# Connections and files of a worker; many systems allow 1,024 unless more is asked for.
OPEN_FILES = 4096


class Service(BaseApplication):
    """The service: its supervisor loads it once, before it forks ``workers`` workers."""

    def __init__(self, front: Front, listener: socket.socket, workers: int) -> None:
        self._front, self._listener, self._workers = front, listener, workers
        super().__init__()

    def load_config(self) -> None:
        options = {
            # Opened already, so that a port that is taken is one line.
            "bind": f"fd://{self._listener.fileno()}",
            "workers": self._workers,
            "worker_class": UvicornWorker,
            "preload_app": True,
            "timeout": STALLED_SECONDS,
            "graceful_timeout": KILL_SECONDS,
            "logger_class": PropagatingLogger,
            "control_socket_disable": True,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._front

    def run(self) -> None:
        """Supervise until SIGTERM, SIGINT, SIGQUIT or SIGHUP. A second one ends it within 2 s."""
        PatientArbiter(self).run()


class PatientArbiter(Arbiter):
    """gunicorn's supervisor, which also goes on where the system has no room for a worker."""

    # A terminal that is closed ends what was started in it.
    handle_hup = Arbiter.handle_term

    def ignore(self) -> None:
        """Do nothing. There are as many workers as were asked for, and no log files to reopen."""

    handle_ttin = handle_ttou = handle_usr1 = handle_usr2 = handle_winch = ignore

    def spawn_worker(self) -> Any:
        try:
            return super().spawn_worker()
        except OSError as error:
            # The system has no room for a process. The next round comes in a second.
            self.log.error("No worker could be started: %s", error)

    def reap_workers(self) -> None:
        try:
            super().reap_workers()
        except HaltServer as error:
            # The application was loaded before the fork, so that only the system can be in the way,
            # for example by its bound on open files. Wait, because the next one may fail as well.
            self.log.error("A worker could not start: %s", error.reason)
            time.sleep(1)
            self.reap_workers()


class PropagatingLogger(Logger):
    """Leave gunicorn's lines to the service's own logging."""

    def setup(self, cfg: Any) -> None:
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True


class UvicornWorker(Worker):
    """One process with an event loop."""

    def init_signals(self) -> None:
        # gunicorn's handlers are those of its own loop; uvicorn has its own.
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        # gunicorn passes it on to reopen log files, of which there are none.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    def run(self) -> None:
        # Or two workers could make the same ids.
        uuid_utils.reseed_rng()
        front: Front = self.wsgi
        config = configuration(front, timeout_notify=1, callback_notify=self._look_round)
        server = uvicorn.Server(config)
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(self._serve(server, front))
        # Without waiting for a thread that waits for the database.
        os._exit(0)

    async def _serve(self, server: uvicorn.Server, front: Front) -> None:
        front.start()
        # gunicorn's SIGQUIT is what SIGINT was to it, and a terminal that is closed sends SIGHUP.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGQUIT, signal.SIGHUP):
            loop.add_signal_handler(number, os.kill, os.getpid(), signal.SIGTERM)
        await server.serve(sockets=self.sockets)

    async def _look_round(self) -> None:
        self.notify()
        if os.getppid() != self.ppid:
            # The supervisor was killed; nobody will tell this worker to stop.
            os.kill(os.getpid(), signal.SIGTERM)


def configuration(front: Front, **options: Any) -> uvicorn.Config:
    """Return how uvicorn serves the application."""
    return uvicorn.Config(
        front,
        http=Protocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        **options,
    )


def listen(host: str, port: int) -> socket.socket:
    """Open the port, for every worker together: what waits to be accepted survives them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def allow_open_files() -> None:
    """Raise the limit of open files as far as it is needed and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
