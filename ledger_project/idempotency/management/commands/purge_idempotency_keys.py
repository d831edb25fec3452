"""Forget old answers, but never a key."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import Expression
from django.db.models.functions import Now
from tqdm import tqdm

from ledger_project.idempotency.models import IdempotencyKey

# Long enough to be worth a transaction, short enough that nobody waits for its commit.
BATCH = 1000

# A hundred years: beyond it dates run out, and no answer is that old.
MOST_DAYS = 36_500


class Command(BaseCommand):
    help = "Empty the stored answers of old keys. The keys stay, so that none ever works twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, default=30, help="how long answers are kept (%(default)s if absent)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["days"] <= MOST_DAYS:
            raise CommandError(f"--days must be from 0 to {MOST_DAYS}.")
        cutoff = Now() - timedelta(days=options["days"])
        purged = 0
        last = UUID(int=0)
        # None leaves it to tqdm: a bar on a terminal, and nothing in a log.
        with tqdm(desc="Purging", unit=" keys", unit_scale=True, disable=None) as bar:
            while True:
                batch = _purge_after(last, cutoff)
                purged += len(batch)
                bar.update(len(batch))
                if len(batch) < BATCH:
                    break
                last = batch[-1]
        self.stdout.write(f"Emptied the answers of {purged:,} keys.")


@transaction.atomic
def _purge_after(last: UUID, cutoff: Expression) -> list[UUID]:
    """Empty the next answers in the order of their keys' ids, and return those ids."""
    # Ids grow with time, so that each batch begins where the one before it ended. A key at work
    # has no answer yet, and one that a rival run is emptying is left to it.
    old = IdempotencyKey.objects.filter(
        pk__gt=last, created_at__lt=cutoff, response_body__isnull=False
    ).order_by("pk")
    ids = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
    IdempotencyKey.objects.filter(pk__in=ids).update(response_body=None)
    return ids
