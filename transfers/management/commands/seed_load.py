"""Fill an empty ledger with accounts and entries for benchmarks."""

import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from tqdm import tqdm

from accounts.models import Account, external_account_id
from transfers.kinds import Kind
from transfers.posting import Draft
from transfers.recording import original_of, record

# The drafts in one transaction, so many that the cost of its other statements is negligible.
BATCH = 5_000

# In minor units. The deposit is so large that no account can run out of money by chance.
DEPOSIT = 10_000_000_00
LARGEST_AMOUNT = 100

# Of a hold.
LIFETIME = timedelta(days=1)


class Command(BaseCommand):
    help = "Fill an empty ledger with accounts and entries for benchmarks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--entries",
            type=int,
            required=True,
            help="Number of entries to post: two for each transfer.",
        )
        parser.add_argument(
            "--accounts", type=int, default=1000, help="Number of accounts. Defaults to 1000."
        )
        parser.add_argument(
            "--users",
            type=int,
            default=10,
            help="Number of users, among whom the accounts are divided. Defaults to 10.",
        )
        parser.add_argument(
            "--busiest",
            type=int,
            default=1,
            help="Number of entries of the first account. Defaults to 1, its opening deposit.",
        )
        parser.add_argument(
            "--holds",
            type=int,
            default=0,
            help="Number of holds of the first account, all voided. They add no entries.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        count, transfers = options["accounts"], options["entries"] // 2
        if User.objects.exists():
            raise CommandError(
                "The ledger isn't empty: it has users. Run this on a new database. Nothing was "
                "changed."
            )
        if options["users"] < 1 or count < 3 or options["entries"] % 2 or transfers < count:
            raise CommandError(
                "Request at least one user, at least three accounts, and an even number of entries "
                "that is at least twice the number of accounts: each account begins with a deposit."
            )
        if not 1 <= options["busiest"] <= 1 + transfers - count:
            raise CommandError(
                f"--busiest must be between 1 and {1 + transfers - count:,} for these numbers of "
                "entries and accounts."
            )
        teller = User.objects.create_user("load-teller")
        account_ids = _open_accounts(count, options["users"])
        drafts = _drafts(account_ids, transfers - count, options["busiest"] - 1)
        # `disable=None` shows the progress bar only on a terminal.
        with tqdm(total=2 * transfers, desc="Posting", unit=" entries", disable=None) as bar:
            while batch := list(islice(drafts, BATCH)):
                _post(account_ids, batch, teller)
                bar.update(2 * len(batch))
        with tqdm(total=options["holds"], desc="Holding", unit=" holds", disable=None) as bar:
            for start in range(0, options["holds"], BATCH):
                number = min(BATCH, options["holds"] - start)
                _hold_and_void(account_ids[0], account_ids[1], number, teller)
                bar.update(number)
        self.stdout.write(f"Posted {2 * transfers:,} entries in {count:,} accounts.")


@transaction.atomic
def _open_accounts(count: int, users: int) -> list[UUID]:
    # Without passwords: nobody logs in as these users, and hashing passwords takes time.
    owners = [User.objects.create_user(f"load-{number}") for number in range(users)]
    opened = Account.objects.bulk_create(
        Account(
            owner=owners[number % users],
            owner_name=f"Account {number}",
            currency=settings.DEFAULT_CURRENCY,
        )
        for number in range(count)
    )
    return [account.pk for account in opened]


def _drafts(account_ids: list[UUID], transfers: int, of_busiest: int) -> Iterator[Draft]:
    """
    Yield a deposit to each account, then transfers between the others.

    The transfers of the first account are spread evenly among them.
    """
    external = external_account_id(settings.DEFAULT_CURRENCY)
    for account_id in account_ids:
        yield Draft(Kind.DEPOSIT, external, account_id, DEPOSIT, memo="Opening deposit")
    busiest, *others = account_ids
    # A fixed seed, so that runs can be compared.
    chance = random.Random(0)
    for number in range(transfers):
        source, dest = chance.sample(others, 2)
        turn = (number + 1) * of_busiest // transfers
        if turn > number * of_busiest // transfers:
            # Alternately in and out, so that its balance stays about the same.
            source, dest = (source, busiest) if turn % 2 else (busiest, dest)
        amount = chance.randint(1, LARGEST_AMOUNT)
        yield Draft(Kind.TRANSFER, source, dest, amount, memo=f"Invoice {number}")


@transaction.atomic
def _post(account_ids: list[UUID], batch: list[Draft], teller: User) -> None:
    record(Account.objects.locked(*account_ids), batch, teller)


@transaction.atomic
def _hold_and_void(source: UUID, dest: UUID, number: int, teller: User) -> None:
    accounts = Account.objects.locked(source, dest)
    holds = [Draft(Kind.HOLD, source, dest, 1, expires_in=LIFETIME) for _ in range(number)]
    voids = [
        Draft(Kind.VOID, source, dest, 1, original=original_of(held))
        for held in record(accounts, holds, teller)
    ]
    record(accounts, voids, teller)
