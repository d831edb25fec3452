"""Delete the stored responses of old idempotency keys, and keep the keys."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import Expression
from django.db.models.functions import Now
from tqdm import tqdm

from ledger_project.idempotency.models import IdempotencyKey

# Keys per transaction. Larger transactions would delay requests.
BATCH = 1000

# About a hundred years, so that the cutoff is a valid date.
MOST_DAYS = 36_500


class Command(BaseCommand):
    help = (
        "Delete the stored responses of old idempotency keys. The keys are kept, so that no "
        "request can be carried out twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=int,
            default=30,
            help="delete responses older than this many days (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["days"] <= MOST_DAYS:
            raise CommandError(f"--days must be from 0 to {MOST_DAYS}.")
        cutoff = Now() - timedelta(days=options["days"])
        purged = 0
        last = UUID(int=0)
        # disable=None shows the bar on terminals only.
        with tqdm(desc="Purging", unit=" keys", unit_scale=True, disable=None) as bar:
            while True:
                batch = _purge_after(last, cutoff)
                purged += len(batch)
                bar.update(len(batch))
                if len(batch) < BATCH:
                    break
                last = batch[-1]
        keys = "key" if purged == 1 else "keys"
        self.stdout.write(f"Deleted the stored responses of {purged:,} {keys}.")


@transaction.atomic
def _purge_after(last: UUID, cutoff: Expression) -> list[UUID]:
    """Delete the responses of the next keys in the order of their ids, and return these ids."""
    # Ids increase with time, so each batch continues where the previous one ended. Keys in progress
    # have no response yet. Keys that a concurrent purge has locked are skipped.
    old = IdempotencyKey.objects.filter(
        pk__gt=last, created_at__lt=cutoff, response_body__isnull=False
    ).order_by("pk")
    ids = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
    IdempotencyKey.objects.filter(pk__in=ids).update(response_body=None)
    return ids
