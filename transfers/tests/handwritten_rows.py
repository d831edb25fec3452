"""Single rows of the ledger written in raw SQL."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from uuid_utils.compat import uuid7

from accounts.models import Account
from transfers import clock


def id_at(instant: str) -> UUID:
    """Return a UUIDv7 for an instant, such as ``2100-01-01 00:00Z``."""
    return next(clock.ids_at(datetime.fromisoformat(instant)))


def rows(sql: str, *parameters: Any) -> list[tuple]:
    """Return the rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


CREATED_AT = "2020-01-01 00:00Z"


class HandwrittenRows:
    """Writes rows for two accounts in dollars and one in euros."""

    def __init__(self, *, alice: Account, bob: Account, euros: Account, user: User) -> None:
        self.alice = alice
        self.bob = bob
        self.euros = euros
        self.user = user

    def run(self, *statements: str) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def committed(self) -> None:
        """Run the deferred guards, as a commit would."""
        self.run("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED")

    def update(self, account_id: UUID, change: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE accounts_account SET {change} WHERE id = %s", [account_id])

    def change_held(self, account_id: UUID, change: int) -> None:
        """Update the account as a HOLD, CAPTURE or VOID does."""
        self.update(account_id, f"held = held + {change}, hold_version = hold_version + 1")

    def set_status(self, account_id: UUID, status: str) -> None:
        action = {"FROZEN": "FREEZE", "OPEN": "UNFREEZE", "CLOSED": "CLOSE"}[status]
        self.record(account_id, action, "status", status)
        self.update(account_id, f"status = '{status}'")

    def set_limit(self, account_id: UUID, limit: int) -> None:
        self.record(account_id, "SET_OVERDRAFT_LIMIT", "overdraft_limit", str(limit))
        self.update(account_id, f"overdraft_limit = {limit}")

    def fresh(
        self,
        balance: int = 0,
        version: int = 0,
        currency: str = "USD",
        account_id: UUID | None = None,
        last_posted_at: str | None = None,
        kind: str = "CUSTOMER",
        held: int = 0,
        overdraft_limit: int = 0,
    ) -> UUID:
        """Insert an account, with a balance that no entry explains if ``balance`` is given."""
        account_id = account_id or uuid7()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO accounts_account (id, owner_id, owner_name, owner_name_folded,"
                " currency, kind, status, balance, held, overdraft_limit, version, hold_version,"
                " last_posted_at, metadata, created_at) VALUES"
                " (%s, %s, 'fresh', 'fresh', %s, %s, 'OPEN', %s, %s, %s, %s, 0, %s, '{}', now())",
                [
                    account_id,
                    self.user.pk if kind == "CUSTOMER" else None,
                    currency,
                    kind,
                    balance,
                    held,
                    overdraft_limit,
                    version,
                    last_posted_at,
                ],
            )
        return account_id

    def record(self, account_id: UUID, action: str, figure: str, after: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO accounts_accountchange"
                " (account_id, actor_id, action, before, after, reason, at)"
                f" SELECT id, %s, %s, {figure}::text, %s, '', now() FROM accounts_account"
                " WHERE id = %s",
                [self.user.pk, action, after, account_id],
            )

    def enter(self, transfer_id, leg, account_id, amount, balance, sequence, ts) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO transfers_ledgerentry"
                " (id, ts, account_id, transfer_id, type, amount, balance, sequence)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [id_at(CREATED_AT), ts, account_id, transfer_id, leg, amount, balance, sequence],
            )

    def insert_transfer(
        self,
        transfer_id: UUID,
        kind: str,
        source_id: UUID,
        dest_id: UUID,
        amount: int,
        currency: str,
        hold: UUID | None,
        reverses: UUID | None,
        *,
        expires_at: str = "2020-01-31 00:00Z",
        created_at: str = CREATED_AT,
        by_nobody: bool = False,
        chained: tuple[int, int] | None = None,
    ) -> None:
        """
        Insert a transfer. A hold or its resolution has been added to the source's row before.

        :param chained: its held amount and hold_sequence, if they aren't those of the source's row
        """
        if kind in ("HOLD", "CAPTURE", "VOID") and chained is None:
            [chained] = rows(
                "SELECT held, hold_version FROM accounts_account WHERE id = %s", source_id
            )
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO transfers_transfer (id, kind, source_id, dest_id, amount, currency,"
                " metadata, expires_at, hold_id, reverses_id, created_by_id, created_at, held,"
                " hold_sequence) VALUES (%s, %s, %s, %s, %s, %s, '{}', %s, %s, %s, %s, %s, %s, %s)",
                [
                    transfer_id,
                    kind,
                    source_id,
                    dest_id,
                    amount,
                    currency,
                    expires_at if kind == "HOLD" else None,
                    hold,
                    reverses,
                    None if by_nobody else self.user.pk,
                    created_at,
                    *(chained or (None, None)),
                ],
            )
