"""Fill an empty ledger with as many entries as wanted, to measure it by."""

import random
from collections.abc import Iterator
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
from transfers.recording import record

# Drafts in one transaction: enough that the statements around them cost nothing.
BATCH = 5_000

# In minor units. Nobody spends what was deposited, whatever happens by chance.
DEPOSIT = 10_000_000_00
LARGEST_AMOUNT = 100


class Command(BaseCommand):
    help = "Fill an empty ledger with accounts and entries, posted like any other, for benchmarks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--entries", type=int, required=True, help="two for each transfer")
        parser.add_argument("--accounts", type=int, default=1000)
        parser.add_argument("--users", type=int, default=10, help="who own the accounts by turns")
        parser.add_argument(
            "--busiest", type=int, default=1, help="how many entries the first account has"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        count, transfers = options["accounts"], options["entries"] // 2
        if User.objects.exists():
            raise CommandError("The ledger is in use: it has users. Nothing was changed.")
        if options["users"] < 1 or count < 3 or options["entries"] % 2 or transfers < count:
            raise CommandError(
                "It takes a user, three accounts, and an even number of entries: two for the "
                "deposit with which each account begins, and two for each transfer."
            )
        if not 1 <= options["busiest"] <= 1 + transfers - count:
            raise CommandError(
                f"The first account can have 1 to {1 + transfers - count:,} of these entries."
            )
        teller = User.objects.create_user("load-teller")
        account_ids = _open_accounts(count, options["users"])
        drafts = _drafts(account_ids, transfers - count, options["busiest"] - 1)
        # None leaves it to tqdm: a bar on a terminal, and nothing in a log.
        with tqdm(total=2 * transfers, desc="Posting", unit=" entries", disable=None) as bar:
            while batch := list(islice(drafts, BATCH)):
                _post(account_ids, batch, teller)
                bar.update(2 * len(batch))
        self.stdout.write(f"Posted {2 * transfers:,} entries in {count:,} accounts.")


@transaction.atomic
def _open_accounts(count: int, users: int) -> list[UUID]:
    # Nobody logs in as them: without a password, and without the time that hashing one takes.
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
    """Yield a deposit to each account, and then transfers; the first account's among the others."""
    external = external_account_id(settings.DEFAULT_CURRENCY)
    for account_id in account_ids:
        yield Draft(Kind.DEPOSIT, external, account_id, DEPOSIT, memo="Opening deposit")
    busiest, *others = account_ids
    # Always the same books, so that runs can be compared.
    chance = random.Random(0)
    for number in range(transfers):
        source, dest = chance.sample(others, 2)
        turn = (number + 1) * of_busiest // transfers
        if turn > number * of_busiest // transfers:
            # In and out by turns, so that it neither runs dry nor hoards.
            source, dest = (source, busiest) if turn % 2 else (busiest, dest)
        amount = chance.randint(1, LARGEST_AMOUNT)
        yield Draft(Kind.TRANSFER, source, dest, amount, memo=f"Invoice {number}")


@transaction.atomic
def _post(account_ids: list[UUID], batch: list[Draft], teller: User) -> None:
    record(Account.objects.locked(*account_ids), batch, teller)
