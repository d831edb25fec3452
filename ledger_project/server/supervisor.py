"""Run gunicorn, which forks and replaces the workers, and uvicorn in each worker."""

import asyncio
import os
import resource
import signal
import socket
import time
from typing import Any

import uuid_utils
import uvicorn
from django.conf import settings
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from ledger_project.server.front import Front
from ledger_project.server.protocol import IDLE_SECONDS, Protocol

# A worker that was told to stop cuts off the requests in progress after the first of these, and is
# killed after the second.
STOP_SECONDS, KILL_SECONDS = 14, 16
# A worker whose event loop is blocked for this long is replaced.
STALLED_SECONDS = 30
# The open files that a worker needs, including connections. The default limit is often only 1,024.
OPEN_FILES = 4096


class Service(BaseApplication):
    """The gunicorn application, which is loaded once, before ``workers`` workers are forked."""

    def __init__(self, front: Front, listener: socket.socket, workers: int) -> None:
        self._front, self._listener, self._workers = front, listener, workers
        super().__init__()

    def load_config(self) -> None:
        options = {
            # The socket is open already, so that a port in use is reported in one line.
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
        """Run until SIGTERM, SIGINT, SIGQUIT or SIGHUP. A second one stops it within 2 s."""
        ResilientArbiter(self).run()


class ResilientArbiter(Arbiter):
    """gunicorn's supervisor, which keeps running when a worker can't be started."""

    # A terminal sends SIGHUP when it is closed.
    handle_hup = Arbiter.handle_term

    def ignore(self) -> None:
        """Do nothing: the number of workers is fixed, and there are no log files to reopen."""

    handle_ttin = handle_ttou = handle_usr1 = handle_usr2 = handle_winch = ignore

    def spawn_worker(self) -> Any:
        try:
            return super().spawn_worker()
        except OSError as error:
            # The system can't create another process. The supervisor retries after a second.
            self.log.error("Can't fork a worker: %s. Retrying.", error)

    def reap_workers(self) -> None:
        try:
            super().reap_workers()
        except HaltServer as error:
            # The application was loaded before the fork, so the cause is the system, for example
            # its limit on open files. Wait, because the next attempt may fail as well.
            self.log.error("A worker failed to start: %s Retrying.", error.reason)
            time.sleep(1)
            self.reap_workers()


class PropagatingLogger(Logger):
    """Send gunicorn's log messages to the service's own logging."""

    def setup(self, cfg: Any) -> None:
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True


class UvicornWorker(Worker):
    """A worker process, which runs uvicorn in an event loop."""

    def init_signals(self) -> None:
        # Remove gunicorn's handlers. uvicorn installs its own.
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        # gunicorn forwards SIGUSR1 to reopen log files. There are none.
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    def run(self) -> None:
        # Otherwise two workers could generate the same ids.
        uuid_utils.reseed_rng()
        front: Front = self.wsgi
        config = configuration(front, timeout_notify=1, callback_notify=self._report_to_supervisor)
        server = Server(config, front)
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(self._serve(server, front))
        # Exit without waiting for threads, because one may be waiting for the database.
        os._exit(0)

    async def _serve(self, server: uvicorn.Server, front: Front) -> None:
        front.start()
        # The supervisor sends SIGQUIT when it receives SIGINT, and a closed terminal sends SIGHUP.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGQUIT, signal.SIGHUP):
            loop.add_signal_handler(number, os.kill, os.getpid(), signal.SIGTERM)
        # Not gunicorn's wrappers of the sockets. uvloop can't detach those, and would close each a
        # second time, when its number may already belong to another file.
        await server.serve(sockets=[each.sock for each in self.sockets])

    async def _report_to_supervisor(self) -> None:
        self.notify()
        if os.getppid() != self.ppid:
            # The supervisor was killed and can't stop this worker any more.
            os.kill(os.getpid(), signal.SIGTERM)


class Server(uvicorn.Server):
    """uvicorn, which no request that waits for news delays when it stops."""

    def __init__(self, config: uvicorn.Config, front: Front) -> None:
        super().__init__(config)
        self._front = front

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._front.stop()
        await super().shutdown(sockets)
        if settings.TRACES:
            from ledger_project.tracing import flush

            # Here, because uvicorn then ends the process by the signal that stopped it.
            flush()


def configuration(front: Front, **options: Any) -> uvicorn.Config:
    """Return uvicorn's configuration for the application."""
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
    """
    Open the port and return its socket.

    All workers share it, so connections in its backlog survive the death of a worker.

    :raises OSError: if the address can't be used
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def allow_open_files() -> None:
    """Raise this process's limit on open files to ``OPEN_FILES``, or as far as is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
