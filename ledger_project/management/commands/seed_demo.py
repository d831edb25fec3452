"""Fill an empty ledger with demo data."""

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import services as account_services
from accounts.examples import (
    ACCOUNT_ID,
    EMPTY_ACCOUNT_ID,
    FROZEN_ACCOUNT_ID,
    OPENED_AT,
    OTHER_ACCOUNT_ID,
)
from accounts.models import Account
from accounts.money import money
from accounts.serializers import account_document
from api.renderers import JSONRenderer
from events.webhooks.demo import create_demo_webhooks
from ledger_project.idempotency.models import IdempotencyKey, fingerprint
from ledger_project.idempotency.views import EXAMPLE_KEY
from ledger_project.service_keys.examples import (
    CLIENT_ID,
    DEMO_SECRET,
    OTHER_CLIENT_ID,
    SERVICE_KEY,
)
from ledger_project.service_keys.models import ServiceKey, digest_of
from transfers import clock, services
from transfers.approvals.demo import create_demo_approvals
from transfers.examples import NOON, TRANSFER_ID
from transfers.kinds import Kind
from transfers.models import LONGEST_HOLD, Transfer
from transfers.movements import Order

# By a name for use below: the owner, the owner's name on the account, and whether it is in the
# default currency.
ACCOUNTS = {
    "everyday": ("demo", "Demo Everyday", True),
    "savings": ("demo", "Demo Savings", True),
    "travel": ("demo", "Demo Travel", False),
    "old": ("demo", "Demo Old Card", True),
    "landlord": ("admin", "Maple Street Rentals", True),
    "grocer": ("admin", "Corner Grocer", True),
    "fuel": ("admin", "Northside Fuel", True),
    "hotel": ("admin", "Harbour Hotel", False),
}

# The ids of the examples in the OpenAPI document, so that these can be tried out.
KNOWN_IDS = {
    "everyday": UUID(ACCOUNT_ID),
    "savings": UUID(OTHER_ACCOUNT_ID),
    "old": UUID(FROZEN_ACCOUNT_ID),
}
# The same for transfers, by memo.
KNOWN_TRANSFERS = {"New bicycle": UUID(TRANSFER_ID)}

# The time of each transfer, its kind, and arguments (amounts in minor units). The transfer with a
# known id has the time in its id, because ids must sort by time.
EARLIER: tuple[tuple[datetime, str, *tuple[Any, ...]], ...] = (
    (OPENED_AT, "deposit", "everyday", 500_00, "Balance brought over"),
    (OPENED_AT, "deposit", "savings", 300_00, "Savings brought over"),
    (OPENED_AT, "deposit", "travel", 900_00, "Holiday money"),
    (NOON, "transfer", "savings", "everyday", 150_00, "New bicycle"),
    (NOON + timedelta(hours=1), "withdraw", "everyday", 389_00, "Bicycle"),
)

# The same, with the number of days ago. Captures and reversals name the original by its memo.
STORY: tuple[tuple[int, str, *tuple[Any, ...]], ...] = (
    (30, "deposit", "everyday", 3_250_00, "Salary"),
    (30, "deposit", "old", 85_40, "Card balance brought over"),
    (29, "transfer", "everyday", "landlord", 1_100_00, "Rent"),
    (28, "transfer", "everyday", "savings", 400_00, "Monthly saving"),
    (26, "transfer", "everyday", "grocer", 86_35, "Groceries"),
    (23, "hold", "everyday", "fuel", 80_00, "Fuel, pump 4"),
    (22, "capture", "Fuel, pump 4", 63_45),
    (19, "transfer", "everyday", "grocer", 74_10, "Groceries, second week"),
    (17, "withdraw", "everyday", 120_00, "Cash machine"),
    (12, "transfer", "everyday", "grocer", 91_80, "Groceries, third week"),
    (11, "transfer", "everyday", "grocer", 91_80, "Groceries, third week again"),
    (10, "reverse", "Groceries, third week again", "Charged twice"),
    (6, "deposit", "savings", 1_27, "Interest"),
    (5, "transfer", "everyday", "grocer", 68_95, "Groceries, fourth week"),
    (0, "deposit", "everyday", 3_250_00, "Salary, second month"),
    # Created now, so that they are pending. Their ids therefore differ each time.
    (0, "hold", "everyday", "savings", 50_00, "Rainy-day pot"),
    (0, "hold", "travel", "hotel", 240_00, "Hotel, rooms for the choir"),
)


class Command(BaseCommand):
    help = "Create the users demo/demo and admin/admin, with accounts and a month of transfers."

    def add_arguments(self, parser: CommandParser) -> None:
        modes = parser.add_mutually_exclusive_group()
        modes.add_argument(
            "--force", action="store_true", help="add the data even if the database has users"
        )
        modes.add_argument(
            "--if-empty", action="store_true", help="do nothing if the database has any users"
        )
        modes.add_argument(
            "--users-only",
            nargs="+",
            metavar="NAME",
            help="only create users with these names, and print each with a random password",
        )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if options["users_only"]:
            self._make_users(options["users_only"])
            return
        if options["if_empty"] and User.objects.exists():
            self.stdout.write("The database already has users. Nothing was changed.")
            return
        if User.objects.filter(username__in=["demo", "admin", "clerk"]).exists():
            # A real `admin` must never get the public password.
            raise CommandError(
                "A user named demo, admin or clerk already exists. Nothing was changed."
            )
        if User.objects.exists() and not options["force"]:
            raise CommandError(
                "The database already has users. To add the demo data, including a superuser with "
                "a public password, use --force. Nothing was changed."
            )
        made = Demonstration()
        made.post_transfers()
        made.open_spare()
        made.create_service_keys()
        create_demo_webhooks(made.users["demo"], OPENED_AT)
        create_demo_approvals(
            made.users["admin"], made.accounts["everyday"], made.accounts["savings"], OPENED_AT
        )
        self._print(made)

    def _make_users(self, names: list[str]) -> None:
        for name in names:
            if User.objects.filter(username=name).exists():
                raise CommandError(f"A user named {name} already exists. Nothing was changed.")
            password = secrets.token_urlsafe(16)
            User.objects.create_user(name, password=password)
            self.stdout.write(f"{name} {password}")

    def _print(self, made: "Demonstration") -> None:
        self.stdout.write("Users      demo / demo, admin / admin (staff, superuser)")
        self.stdout.write(f"Key        {CLIENT_ID} / {DEMO_SECRET}")
        ids = [account.pk for account in made.accounts.values()]
        for account in Account.objects.filter(pk__in=ids).order_by("pk"):
            self.stdout.write(
                f"Account    {account.pk}  {account.owner_name:<21}{account.status:<7}"
                f"{money(account.balance, account.currency):>13}"
                f"  ({money(account.held, account.currency)} held)"
            )
        self.stdout.write(self.style.SUCCESS(f"Transfers  {len(made.transfers)}"))


class Demonstration:
    """The demo data, created through the services."""

    def __init__(self) -> None:
        self.users = {
            "demo": User.objects.create_user("demo", password="demo"),
            "admin": User.objects.create_superuser("admin", password="admin"),
        }
        self.home = home = settings.DEFAULT_CURRENCY
        abroad = next((code for code in settings.CURRENCIES if code != home), home)
        self.accounts = {
            name: self._open(
                KNOWN_IDS.get(name),
                owner=self.users[owner],
                owner_name=owner_name,
                currency=home if at_home else abroad,
            )
            for name, (owner, owner_name, at_home) in ACCOUNTS.items()
        }
        self.transfers: list[Transfer] = []

    def post_transfers(self) -> None:
        """Post all transfers, and then change two accounts as staff would."""
        now = clock.now()
        for instant, verb, *args in EARLIER:
            self._post(instant, verb, *args)
        # A minute apart, so that the transfers of a day have an order.
        for place, (days_ago, verb, *args) in enumerate(STORY):
            ago = timedelta(days=days_ago, minutes=len(STORY) - place)
            self._post(now - ago, verb, *args)
        admin = self.users["admin"]
        account_services.set_overdraft_limit(
            account_id=self.accounts["everyday"].pk,
            actor=admin,
            limit=200_00,
            reason="Regular salary",
            is_approved=True,
        )
        account_services.freeze(
            account_id=self.accounts["old"].pk, actor=admin, reason="Card reported lost"
        )

    def open_spare(self) -> None:
        """Open an account as ``POST /accounts`` does, with a stored response for its key."""
        demo, path = self.users["demo"], "/accounts"
        body = {"owner_name": "Demo Spare", "currency": self.home}
        account = self._open(UUID(EMPTY_ACCOUNT_ID), owner=demo, **body)
        self.accounts["spare"] = account
        IdempotencyKey.objects.create(
            id=next(clock.ids_at(OPENED_AT)),
            created_at=OPENED_AT,
            user=demo,
            key=EXAMPLE_KEY,
            method="POST",
            path=path,
            fingerprint=fingerprint("POST", path, body, b""),
            response_status=201,
            response_headers={
                "Content-Type": "application/json",
                "Location": f"{path}/{account.pk}",
            },
            response_body=JSONRenderer().render(account_document(account)).decode(),
        )

    def create_service_keys(self) -> None:
        """Create the service keys of the examples, with a public secret."""
        for client_id, name in ((CLIENT_ID, "Shop backend"), (OTHER_CLIENT_ID, "Old backend")):
            ServiceKey.objects.create(
                pk=UUID(client_id),
                owner=self.users["demo"],
                name=name,
                scope=" ".join(SERVICE_KEY["scopes"]),
                secret_digest=digest_of(DEMO_SECRET),
                created_at=OPENED_AT,
            )

    def deposit(self, account: str, amount: int, memo: str) -> Transfer:
        return self._cash(Kind.DEPOSIT, account, amount, memo)

    def withdraw(self, account: str, amount: int, memo: str) -> Transfer:
        return self._cash(Kind.WITHDRAWAL, account, amount, memo)

    def transfer(self, source: str, dest: str, amount: int, memo: str) -> Transfer:
        order = self._order(source, dest, amount, memo)
        return services.transfer(order=order, actor=self.users["demo"])

    def hold(self, source: str, dest: str, amount: int, memo: str) -> Transfer:
        order = self._order(source, dest, amount, memo)
        # The maximum, so that they can be tried out for as long as possible.
        return services.hold(order=order, expires_in=LONGEST_HOLD, actor=self.users["demo"])

    def capture(self, held: str, amount: int) -> Transfer:
        hold_id = self._by_memo(held).pk
        return services.capture(hold_id=hold_id, amount=amount, actor=self.users["admin"])

    def reverse(self, original: str, memo: str) -> Transfer:
        transfer_id = self._by_memo(original).pk
        return services.reverse(
            transfer_id=transfer_id, memo=memo, actor=self.users["admin"], is_approved=True
        )

    def _open(self, account_id: UUID | None, **fields: Any) -> Account:
        account_id = account_id or next(clock.ids_at(OPENED_AT))
        return Account.objects.create(pk=account_id, created_at=OPENED_AT, **fields)

    def _post(self, instant: datetime, verb: str, *args: Any) -> None:
        with clock.at(instant):
            self.transfers.append(getattr(self, verb)(*args))

    def _cash(self, kind: Kind, account: str, amount: int, memo: str) -> Transfer:
        account_id, is_deposit = self.accounts[account].pk, kind == Kind.DEPOSIT
        order = Order(
            kind=kind,
            source_id=None if is_deposit else account_id,
            dest_id=account_id if is_deposit else None,
            amount=amount,
            memo=memo,
        )
        # As admin, because owners may not move cash if LEDGER_SELF_SERVICE_CASH is false.
        return services.transfer(order=order, actor=self.users["admin"], is_approved=True)

    def _order(self, source: str, dest: str, amount: int, memo: str) -> Order:
        return Order(
            source_id=self.accounts[source].pk,
            dest_id=self.accounts[dest].pk,
            amount=amount,
            memo=memo,
            id=KNOWN_TRANSFERS.get(memo),
        )

    def _by_memo(self, memo: str) -> Transfer:
        return next(transfer for transfer in self.transfers if transfer.memo == memo)
