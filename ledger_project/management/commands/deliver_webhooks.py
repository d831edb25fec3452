"""Deliver events to webhooks until the process is stopped."""

import asyncio
import os
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from prometheus_client import start_http_server

from events.webhooks.deliverer import Deliverer
from events.webhooks.sending import Sender
from ledger_project.ledgers.commands import is_undecided
from ledger_project.ledgers.delivering import LedgersDeliverer


class Command(BaseCommand):
    help = (
        "Deliver events to webhooks, and release expired holds, until SIGINT or SIGTERM. Several "
        "processes may run at once. With LEDGER_LEDGERS, one process serves all ledgers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--metrics-host",
            default="127.0.0.1",
            help="The address on which to serve metrics. Defaults to 127.0.0.1.",
        )
        parser.add_argument(
            "--metrics-port",
            type=int,
            choices=range(1, 65536),
            metavar="PORT",
            help="The port on which to serve the metrics of this process for Prometheus. By "
            "default they aren't served.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if (port := options["metrics_port"]) is not None:
            _serve_metrics(options["metrics_host"], port)
        asyncio.run(_deliver())


def _serve_metrics(host: str, port: int) -> None:
    try:
        start_http_server(port, host)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise CommandError(f"Can't listen on {host}:{port}: {reason}") from error


async def _deliver() -> None:
    deliverer = LedgersDeliverer(Sender()) if is_undecided() else Deliverer(Sender())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, deliverer.stop)
    await deliverer.run()
