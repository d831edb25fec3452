"""Release expired holds."""

from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from transfers import services


class Command(BaseCommand):
    help = "Release all expired holds that were neither captured nor voided."

    def handle(self, *args: Any, **options: Any) -> None:
        sources = services.sources_of_expired_holds()
        released = 0
        # One transaction per account: locks are held briefly, and an interrupted run keeps the
        # releases it has committed. `disable=None` shows the progress bar only on a terminal.
        for source_id in tqdm(sources, desc="Releasing", unit=" accounts", disable=None):
            # The holds are read again under the lock: a concurrent run may have released them.
            released += services.release_expired_holds(source_id=source_id)
        holds = "hold" if released == 1 else "holds"
        self.stdout.write(f"Released {released:,} expired {holds}.")
