"""Deliver events to webhooks until the process is stopped."""

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from events.webhooks.deliverer import Deliverer
from events.webhooks.sending import Sender


class Command(BaseCommand):
    help = (
        "Deliver events to webhooks, and release expired holds, until SIGINT or SIGTERM. Several "
        "processes may run at once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(_deliver())


async def _deliver() -> None:
    deliverer = Deliverer(Sender())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, deliverer.stop)
    await deliverer.run()
