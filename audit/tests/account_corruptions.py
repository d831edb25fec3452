"""Ways to break an account, with what the audit then finds."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from uuid_utils.compat import uuid7

from accounts.enums import MONEY_MAX, AccountKind, AccountStatus
from accounts.models import Account, AccountChange, external_account_id
from audit.tests.tampering import (
    DAY,
    NOT_STRINGS,
    account,
    corruption,
    delete,
    external,
    transfer,
)
from ledger_project.idempotency.models import IdempotencyKey
from transfers import clock
from transfers.tests.rich_ledger import RichLedger

# The id of a user who was deleted, though nobody ever is.
NOBODY = 1_000_000_000


def overspend(book: RichLedger) -> None:
    transfer(book.pending, amount=1_000_00)
    account(book.payer, held=1_000_00)


def open_a_second_external(book: RichLedger) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX account_one_external_per_currency")
    Account.objects.create(kind=AccountKind.EXTERNAL, currency="USD", owner_name="other")


def spend_from_a_currency_without_external(book: RichLedger) -> None:
    delete(Account, kind=AccountKind.EXTERNAL, currency="JPY")
    Account.objects.create(owner=book.payer.owner, owner_name="yen", currency="JPY")


def record(row: Account, action: str, before: str, after: str) -> None:
    AccountChange.objects.create(
        account=row,
        actor=row.owner or User.objects.get(username="alice"),
        action=action,
        before=before,
        after=after,
        at=clock.now(),
    )


def change_of(row: Account, action: str, **changed: int | str) -> None:
    """Change a status or a limit, and record it as the service does."""
    [(name, after)] = changed.items()
    record(row, action, str(getattr(row, name)), str(after))
    account(row, **changed)


def rename_at(row: Account, after: timedelta) -> None:
    """Record that somebody gave an account the name that it has, so long after it was opened."""
    record(row, "RENAME", row.owner_name, "another name")
    record(row, "RENAME", "another name", row.owner_name)
    newest = AccountChange.objects.filter(account=row).order_by("-pk").values_list("pk", flat=True)
    rows = AccountChange.objects.filter(pk__in=list(newest[:2]))
    rows.update(at=row.created_at + after)


ACCOUNT_CORRUPTIONS = [
    corruption(
        "a balance that is off",
        lambda book: account(book.payer, balance=F("balance") + 1),
        "account_balance_is_its_entries",
        "account_balance_is_its_last_entrys",
        "currency_sums_to_zero",
    ),
    corruption(
        "a version that is off",
        lambda book: account(book.payer, version=F("version") - 1),
        "account_version_counts_its_entries",
    ),
    corruption(
        "a held that is off",
        lambda book: account(book.payer, held=F("held") - 1),
        "account_held_is_its_holds",
    ),
    corruption(
        "an account that was posted to later than its last entry",
        lambda book: account(book.payer, last_posted_at=F("last_posted_at") + DAY),
        "account_last_posted_when_its_last_entry",
    ),
    corruption(
        "an account that was never posted to",
        lambda book: account(book.payer, last_posted_at=None),
        "account_last_posted_when_its_last_entry",
    ),
    corruption("more held than there is", overspend, "account_never_overdrawn"),
    corruption(
        "a closed account with a balance",
        lambda book: change_of(book.third, "CLOSE", status=AccountStatus.CLOSED),
        "account_closed_is_empty",
    ),
    corruption(
        "a status that isn't known",
        lambda book: account(book.third, status="LOST"),
        "account_within_bounds",
        "account_status_is_recorded",
    ),
    corruption(
        "an overdraft limit out of bounds",
        lambda book: change_of(book.third, "SET_OVERDRAFT_LIMIT", overdraft_limit=MONEY_MAX + 1),
        "account_within_bounds",
    ),
    corruption(
        "an EXTERNAL account with an owner",
        lambda book: external(owner=book.payer.owner),
        "account_has_its_owner",
    ),
    corruption(
        "an EXTERNAL account with a balance",
        lambda book: external(balance=5),
        "account_external_keeps_no_balance",
    ),
    corruption(
        "an EXTERNAL account with a version",
        lambda book: external(version=5),
        "account_external_keeps_no_balance",
    ),
    corruption(
        "two EXTERNAL accounts of a currency",
        open_a_second_external,
        "currency_has_one_external",
        "account_external_has_its_id",
        "account_external_stays_as_made",
    ),
    corruption(
        "an account that takes the id of an EXTERNAL one",
        lambda book: Account.objects.create(
            id=external_account_id("CHF"), owner=book.payer.owner, currency="USD", owner_name="x"
        ),
        "account_external_has_its_id",
        "account_id_is_of_its_time",
    ),
    corruption(
        "an account that is dated back",
        lambda book: account(book.payer, created_at=F("created_at") - DAY),
        "account_id_is_of_its_time",
    ),
    corruption(
        "a name that is found by another one",
        lambda book: account(book.payer, owner_name_folded="bob"),
        "account_name_is_folded",
    ),
    corruption(
        "a record of an account that doesn't exist",
        lambda book: AccountChange.objects.create(
            account_id=uuid7(), actor=book.payer.owner, action="RENAME", before="a", after="b"
        ),
        "change_has_its_account",
    ),
    corruption(
        "an account of a user who is gone",
        lambda book: account(book.payer, owner_id=NOBODY),
        "named_user_exists",
    ),
    corruption(
        "a record of a change by a user who is gone",
        lambda book: [
            record(book.payer, "RENAME", "another name", book.payer.owner_name),
            AccountChange.objects.filter(account=book.payer).update(actor_id=NOBODY),
        ],
        "named_user_exists",
    ),
    corruption(
        "a transfer by a user who is gone",
        lambda book: transfer(book.transfer, created_by_id=NOBODY),
        "named_user_exists",
    ),
    corruption(
        "a key of a user who is gone",
        lambda book: IdempotencyKey.objects.create(
            user_id=NOBODY, key="k", method="POST", path="/transfers", fingerprint="f"
        ),
        "named_user_exists",
    ),
    corruption(
        "a record that is older than its account",
        lambda book: rename_at(book.payer, -DAY),
        "change_time_never_runs_backwards",
    ),
    corruption(
        "a record that is older than the one before it",
        lambda book: [rename_at(book.payer, DAY), rename_at(book.payer, DAY / 2)],
        "change_time_never_runs_backwards",
    ),
    corruption(
        "a status that no record explains",
        lambda book: account(book.third, status=AccountStatus.FROZEN),
        "account_status_is_recorded",
    ),
    corruption(
        "a limit that no record explains",
        lambda book: account(book.third, overdraft_limit=1),
        "account_limit_is_recorded",
    ),
    corruption(
        "a name that is empty",
        lambda book: account(book.payer, owner_name="", owner_name_folded=""),
        "account_name_has_its_length",
    ),
    *(
        corruption(
            f"an account with {name} as metadata",
            lambda book, metadata=metadata: account(book.payer, metadata=metadata),
            "account_metadata_is_strings",
        )
        for name, metadata in NOT_STRINGS.items()
    ),
    corruption(
        "a name that no record explains",
        lambda book: record(book.payer, "RENAME", book.payer.owner_name, "Alice"),
        "account_name_is_recorded",
    ),
    corruption(
        "a record that nothing became of",
        lambda book: record(book.third, "FREEZE", "OPEN", "FROZEN"),
        "account_status_is_recorded",
    ),
    corruption(
        "a record that doesn't follow from the one before it",
        lambda book: [
            record(book.payer, "RENAME", before, after)
            for before, after in (("a", "b"), ("c", book.payer.owner_name))
        ],
        "change_follows",
    ),
    corruption(
        "a record of something else than its action",
        lambda book: record(book.third, "UNFREEZE", "OPEN", "OPEN"),
        "change_fits_its_action",
    ),
    corruption(
        "a limit that is no number",
        lambda book: record(book.third, "SET_OVERDRAFT_LIMIT", "0", "many"),
        "change_fits_its_action",
        "account_limit_is_recorded",
    ),
    corruption(
        "a currency without an EXTERNAL account",
        spend_from_a_currency_without_external,
        "currency_has_one_external",
    ),
]
