"""Give back what expired holds reserve."""

from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from transfers import clock, services
from transfers.models import Transfer


class Command(BaseCommand):
    help = "Release every hold that has expired without a capture or a void."

    def handle(self, *args: Any, **options: Any) -> None:
        expired = Transfer.objects.unresolved_holds().filter(expires_at__lte=clock.of_statement())
        sources = expired.order_by("source_id").values_list("source_id", flat=True).distinct()
        released = 0
        # One transaction an account: each lock is short, and a run that is stopped loses nothing.
        # None leaves it to tqdm: a bar on a terminal, and nothing in a log.
        for source_id in tqdm(list(sources), desc="Releasing", unit=" accounts", disable=None):
            # What a rival run released meanwhile is no longer found under the lock.
            released += services.release_expired_holds(source_id=source_id)
        self.stdout.write(f"Released {released:,} expired holds.")
