"""Transfers written in raw SQL, as an intruder would: correct, or wrong in one respect."""

from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Account, external_account_id
from transfers.tests.handwritten_rows import CREATED_AT, HandwrittenRows, id_at, rows


class HandwrittenLedger(HandwrittenRows):
    """Writes in the order of ``transfers.recording``: accounts, then entries, then the transfer."""

    def there_and_back(
        self,
        amount: int,
        source_id: UUID,
        dest_id: UUID,
        *,
        update_accounts: bool = True,
        comes_later: bool = False,
        ts: str = "2100-01-01 00:00Z",
    ) -> None:
        """
        Move money from one account to another and back; all four entries in one statement.

        If the source ``comes_later``, it is inserted after them.
        """
        there, back = id_at(CREATED_AT), id_at(CREATED_AT)
        entries = []
        for account_id, sides in (
            (source_id, ("DEBIT", "CREDIT")),
            (dest_id, ("CREDIT", "DEBIT")),
        ):
            [(balance, version)] = rows(
                "SELECT balance, version FROM accounts_account WHERE id = %s", account_id
            ) or [(0, 0)]
            between = balance + (amount if sides[0] == "CREDIT" else -amount)
            entries += [
                (id_at(CREATED_AT), ts, account_id, there, sides[0], amount, between, version + 1),
                (id_at(CREATED_AT), ts, account_id, back, sides[1], amount, balance, version + 2),
            ]
            if update_accounts:
                self.update(account_id, f"version = version + 2, last_posted_at = '{ts}'")
        values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(entries))
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO transfers_ledgerentry"
                " (id, ts, account_id, transfer_id, type, amount, balance, sequence)"
                f" VALUES {values}",
                [value for entry in entries for value in entry],
            )
        if comes_later:
            self.fresh(0, 2, account_id=source_id, last_posted_at=ts)
        self.insert_transfer(there, "TRANSFER", source_id, dest_id, amount, "USD", None, None)
        self.insert_transfer(back, "TRANSFER", dest_id, source_id, amount, "USD", None, None)

    def third(self, overdraft_limit: int = 0) -> Account:
        """Insert a third account."""
        third = Account.objects.create(owner=self.user, owner_name="third", currency="USD")
        if overdraft_limit:
            self.set_limit(third.pk, overdraft_limit)
        return third

    def closed(self) -> UUID:
        """Insert an account and close it."""
        account_id = self.fresh()
        self.set_status(account_id, "CLOSED")
        return account_id

    def post(
        self,
        *,
        kind: str = "TRANSFER",
        as_kind: str | None = None,
        amount: int = 7,
        debited: int | None = None,
        credited: int | None = None,
        source: Account | None = None,
        dest: Account | None = None,
        currency: str = "USD",
        hold: UUID | None = None,
        reverses: UUID | None = None,
        released: int | None = None,
        legs: tuple[str, ...] = ("DEBIT", "CREDIT"),
        debit_from: Account | None = None,
        credit_to: Account | None = None,
        update_accounts: bool = True,
        ts: str = "2100-01-01 00:00Z",
        debit_jump: int = 0,
        debit_gap: int = 0,
        credit_gap: int = 0,
        debit_unsequenced: bool = False,
        external_balance: int | None = None,
        with_transfer: bool = True,
        **more: Any,
    ) -> UUID:
        """Write a transfer from alice to bob. Each keyword can make it wrong in one respect."""
        source_id = (source or self.alice).pk
        dest_id = (dest or self.bob).pk
        if kind == "DEPOSIT":
            source_id = external_account_id("USD")
        if kind == "WITHDRAWAL":
            dest_id = external_account_id("USD")
        transfer_id = id_at(more.get("created_at", CREATED_AT))
        written = {
            "DEBIT": (debit_from.pk if debit_from else source_id, debited, debit_gap),
            "CREDIT": (credit_to.pk if credit_to else dest_id, credited, credit_gap),
        }
        if released is not None:
            self.change_held(source_id, -released)
        for leg in legs:
            account_id, entered, gap = written[leg]
            entered = amount if entered is None else entered
            if account_id == external_account_id("USD"):
                sequence = None if external_balance is None else 1
                self.enter(transfer_id, leg, account_id, entered, external_balance, sequence, ts)
                continue
            sequenced = not (leg == "DEBIT" and debit_unsequenced)
            self._post_leg(
                transfer_id,
                leg,
                account_id,
                entered,
                ts,
                gap=gap,
                jump=debit_jump if leg == "DEBIT" else 0,
                update_account=update_accounts and sequenced,
                sequenced=sequenced,
            )
        kind = as_kind or kind
        if not with_transfer:
            return transfer_id
        self.insert_transfer(
            transfer_id, kind, source_id, dest_id, amount, currency, hold, reverses, **more
        )
        return transfer_id

    def _post_leg(
        self,
        transfer_id: UUID,
        leg: str,
        account_id: UUID,
        amount: int,
        ts: str,
        *,
        gap: int,
        jump: int,
        update_account: bool,
        sequenced: bool,
    ) -> None:
        change = amount if leg == "CREDIT" else -amount
        [(balance, version)] = rows(
            "SELECT balance, version FROM accounts_account WHERE id = %s", account_id
        )
        balance, sequence = balance + change + jump, version + 1 + gap
        if update_account:
            self.update(
                account_id, f"balance = {balance}, version = {sequence}, last_posted_at = '{ts}'"
            )
        if not sequenced:
            balance = sequence = None
        self.enter(transfer_id, leg, account_id, amount, balance, sequence, ts)

    def hold(
        self,
        amount: int,
        *,
        held: int | None = None,
        source: Account | None = None,
        dest_id: UUID | None = None,
        transfer_id: UUID | None = None,
        with_legs: bool = False,
        **more: Any,
    ) -> UUID:
        """Write a hold from alice for bob; ``held`` is the amount added to alice's row."""
        held = amount if held is None else held
        source = source or self.alice
        self.change_held(source.pk, held)
        if with_legs:
            return self.post(amount=amount, as_kind="HOLD")
        transfer_id = transfer_id or id_at(CREATED_AT)
        parties = source.pk, dest_id or self.bob.pk
        self.insert_transfer(transfer_id, "HOLD", *parties, amount, "USD", None, None, **more)
        return transfer_id

    def committed_hold(self, amount: int) -> UUID:
        """Write a hold and run the deferred guards."""
        held = self.hold(amount)
        self.committed()
        return held

    def void(
        self,
        hold: UUID,
        *,
        amount: int = 30,
        released: int = 30,
        dest: Account | None = None,
        **more: Any,
    ) -> UUID:
        """Write the void of a hold of 30."""
        self.change_held(self.alice.pk, -released)
        transfer_id = id_at(more.get("created_at", CREATED_AT))
        parties = self.alice.pk, (dest or self.bob).pk
        self.insert_transfer(transfer_id, "VOID", *parties, amount, "USD", hold, None, **more)
        return transfer_id

    def reverse(self, posted: UUID, *, amount: int = 7) -> UUID:
        """Write the reversal of a transfer, by default of the one that ``post()`` writes."""
        [(source_id, dest_id)] = rows(
            "SELECT source_id, dest_id FROM transfers_transfer WHERE id = %s", posted
        )
        source, dest = Account.objects.get(pk=dest_id), Account.objects.get(pk=source_id)
        return self.post(kind="REVERSAL", reverses=posted, source=source, dest=dest, amount=amount)
