"""Ways to corrupt an account, and the findings that the audit must report for each."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from uuid_utils.compat import uuid7

from accounts.enums import MONEY_MAX, AccountKind, AccountStatus
from accounts.models import Account, AccountChange, external_account_id
from audit.tests.tampering import (
    DAY,
    INVALID_METADATA,
    LARGE_METADATA,
    corruption,
    delete_rows,
    update_account,
    update_external,
    update_transfer,
)
from ledger_project.idempotency.models import IdempotencyKey
from transfers import clock
from transfers.tests.rich_ledger import RichLedger

# The id of a user who doesn't exist.
MISSING_USER = 1_000_000_000


def hold_more_than_available(book: RichLedger) -> None:
    update_transfer(book.pending, amount=1_000_00, held=1_000_00)
    update_account(book.payer, held=1_000_00)


def open_a_second_external(book: RichLedger) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX account_one_external_per_currency")
    Account.objects.create(kind=AccountKind.EXTERNAL, currency="USD", owner_name="other")


def open_an_account_without_external(book: RichLedger) -> None:
    delete_rows(Account, kind=AccountKind.EXTERNAL, currency="JPY")
    Account.objects.create(owner=book.payer.owner, owner_name="yen", currency="JPY")


def record_change(row: Account, action: str, before: str, after: str) -> None:
    AccountChange.objects.create(
        account=row,
        actor=row.owner or User.objects.get(username="alice"),
        action=action,
        before=before,
        after=after,
        at=clock.now(),
    )


def change_with_record(row: Account, action: str, **changed: int | str) -> None:
    """Change a status or an overdraft limit with its account change, as the service does."""
    [(name, after)] = changed.items()
    record_change(row, action, str(getattr(row, name)), str(after))
    update_account(row, **changed)


def rename_at(row: Account, after: timedelta) -> None:
    """Record two renames, ending with the current name, at this time after the opening."""
    record_change(row, "RENAME", row.owner_name, "another name")
    record_change(row, "RENAME", "another name", row.owner_name)
    newest = AccountChange.objects.filter(account=row).order_by("-pk").values_list("pk", flat=True)
    rows = AccountChange.objects.filter(pk__in=list(newest[:2]))
    rows.update(at=row.created_at + after)


ACCOUNT_CORRUPTIONS = [
    corruption(
        "a wrong balance",
        lambda book: update_account(book.payer, balance=F("balance") + 1),
        "account_balance_is_its_entries",
        "account_balance_is_its_last_entrys",
        "currency_sums_to_zero",
    ),
    corruption(
        "a wrong version",
        lambda book: update_account(book.payer, version=F("version") - 1),
        "account_version_counts_its_entries",
    ),
    corruption(
        "a wrong held amount",
        lambda book: update_account(book.payer, held=F("held") - 1),
        "account_held_is_its_holds",
        "account_held_is_its_last_holds",
    ),
    corruption(
        "a wrong hold_version",
        lambda book: update_account(book.payer, hold_version=F("hold_version") + 1),
        "account_held_is_its_last_holds",
    ),
    corruption(
        "a negative hold_version",
        lambda book: update_account(book.third, hold_version=-1),
        "account_within_bounds",
        "account_held_is_its_last_holds",
    ),
    corruption(
        "a last_posted_at after the last entry",
        lambda book: update_account(book.payer, last_posted_at=F("last_posted_at") + DAY),
        "account_last_posted_when_its_last_entry",
    ),
    corruption(
        "a last_posted_at that is missing",
        lambda book: update_account(book.payer, last_posted_at=None),
        "account_last_posted_when_its_last_entry",
    ),
    corruption(
        "more held than the account has", hold_more_than_available, "account_never_overdrawn"
    ),
    corruption(
        "a closed account with a balance",
        lambda book: change_with_record(book.third, "CLOSE", status=AccountStatus.CLOSED),
        "account_closed_is_empty",
    ),
    corruption(
        "an unknown status",
        lambda book: update_account(book.third, status="LOST"),
        "account_within_bounds",
        "account_status_is_recorded",
    ),
    corruption(
        "an overdraft limit out of bounds",
        lambda book: change_with_record(
            book.third, "SET_OVERDRAFT_LIMIT", overdraft_limit=MONEY_MAX + 1
        ),
        "account_within_bounds",
    ),
    corruption(
        "an EXTERNAL account with an owner",
        lambda book: update_external(owner=book.payer.owner),
        "account_has_its_owner",
    ),
    corruption(
        "an EXTERNAL account with a balance",
        lambda book: update_external(balance=5),
        "account_external_keeps_no_balance",
    ),
    corruption(
        "an EXTERNAL account with a version",
        lambda book: update_external(version=5),
        "account_external_keeps_no_balance",
    ),
    corruption(
        "an EXTERNAL account with a hold_version",
        lambda book: update_external(hold_version=5),
        "account_external_keeps_no_balance",
    ),
    corruption(
        "two EXTERNAL accounts in a currency",
        open_a_second_external,
        "currency_has_one_external",
        "account_external_has_its_id",
        "account_external_stays_as_made",
    ),
    corruption(
        "a customer's account with the id of an EXTERNAL account",
        lambda book: Account.objects.create(
            id=external_account_id("CHF"), owner=book.payer.owner, currency="USD", owner_name="x"
        ),
        "account_external_has_its_id",
        "account_id_is_of_its_time",
    ),
    corruption(
        "a backdated account",
        lambda book: update_account(book.payer, created_at=F("created_at") - DAY),
        "account_id_is_of_its_time",
    ),
    corruption(
        "a folded name that doesn't match the name",
        lambda book: update_account(book.payer, owner_name_folded="bob"),
        "account_name_is_folded",
    ),
    corruption(
        "a change of an account that doesn't exist",
        lambda book: AccountChange.objects.create(
            account_id=uuid7(), actor=book.payer.owner, action="RENAME", before="a", after="b"
        ),
        "change_has_its_account",
    ),
    corruption(
        "an account whose owner doesn't exist",
        lambda book: update_account(book.payer, owner_id=MISSING_USER),
        "named_user_exists",
    ),
    corruption(
        "a change by a user who doesn't exist",
        lambda book: [
            record_change(book.payer, "RENAME", "another name", book.payer.owner_name),
            AccountChange.objects.filter(account=book.payer).update(actor_id=MISSING_USER),
        ],
        "named_user_exists",
    ),
    corruption(
        "a transfer by a user who doesn't exist",
        lambda book: update_transfer(book.transfer, created_by_id=MISSING_USER),
        "named_user_exists",
    ),
    corruption(
        "an idempotency key of a user who doesn't exist",
        lambda book: IdempotencyKey.objects.create(
            user_id=MISSING_USER, key="k", method="POST", path="/transfers", fingerprint="f"
        ),
        "named_user_exists",
    ),
    corruption(
        "a change dated before its account",
        lambda book: rename_at(book.payer, -DAY),
        "change_time_never_runs_backwards",
    ),
    corruption(
        "a change dated before the previous one",
        lambda book: [rename_at(book.payer, DAY), rename_at(book.payer, DAY / 2)],
        "change_time_never_runs_backwards",
    ),
    corruption(
        "a status without an account change",
        lambda book: update_account(book.third, status=AccountStatus.FROZEN),
        "account_status_is_recorded",
    ),
    corruption(
        "an overdraft limit without an account change",
        lambda book: update_account(book.third, overdraft_limit=1),
        "account_limit_is_recorded",
    ),
    corruption(
        "an empty name",
        lambda book: update_account(book.payer, owner_name="", owner_name_folded=""),
        "account_name_has_its_length",
    ),
    *(
        corruption(
            f"an account with {name} as metadata",
            lambda book, metadata=metadata: update_account(book.payer, metadata=metadata),
            "account_metadata_is_strings",
        )
        for name, metadata in INVALID_METADATA.items()
    ),
    *(
        corruption(
            f"an account whose metadata has {name}",
            lambda book, metadata=metadata: update_account(book.payer, metadata=metadata),
            "account_metadata_within_limits",
        )
        for name, metadata in LARGE_METADATA.items()
    ),
    corruption(
        "a name that differs from the last rename",
        lambda book: record_change(book.payer, "RENAME", book.payer.owner_name, "Alice"),
        "account_name_is_recorded",
    ),
    corruption(
        "a freeze that didn't change the status",
        lambda book: record_change(book.third, "FREEZE", "OPEN", "FROZEN"),
        "account_status_is_recorded",
    ),
    corruption(
        "a change that doesn't start from the previous value",
        lambda book: [
            record_change(book.payer, "RENAME", before, after)
            for before, after in (("a", "b"), ("c", book.payer.owner_name))
        ],
        "change_follows",
    ),
    corruption(
        "a change whose values don't fit its action",
        lambda book: record_change(book.third, "UNFREEZE", "OPEN", "OPEN"),
        "change_fits_its_action",
    ),
    corruption(
        "an overdraft limit that isn't a number",
        lambda book: record_change(book.third, "SET_OVERDRAFT_LIMIT", "0", "many"),
        "change_fits_its_action",
        "account_limit_is_recorded",
    ),
    corruption(
        "a currency without an EXTERNAL account",
        open_an_account_without_external,
        "currency_has_one_external",
    ),
]
