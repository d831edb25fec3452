"""Ways to pass over the status of an account, with what the audit then finds."""

from collections.abc import Callable

from accounts.enums import AccountStatus
from accounts.models import Account
from audit.tests.account_corruptions import change_of, record
from audit.tests.tampering import DOLLARS, account, corruption, external
from transfers import services
from transfers.models import Transfer
from transfers.services import Order
from transfers.tests.rich_ledger import WEEK, RichLedger

FROZEN, CLOSED, OPEN = AccountStatus.FROZEN, AccountStatus.CLOSED, AccountStatus.OPEN


def despite(
    action: str, status: AccountStatus, business: Callable[[RichLedger], object]
) -> Callable[[RichLedger], None]:
    """Return a corruption: freeze or close an account, and let something happen all the same."""

    def corrupt(book: RichLedger) -> None:
        if status == CLOSED:
            # An empty one, with only a hold of somebody else's for it.
            book.third.refresh_from_db()
            services.withdraw(
                account_id=book.third.pk, amount=book.third.balance, actor=book.third.owner
            )
        change_of(book.third, action, status=status)
        account(book.third, status=OPEN)
        business(book)
        account(book.third, status=status)

    return corrupt


def deposit(book: RichLedger) -> Transfer:
    return services.deposit(account_id=book.third.pk, amount=5, actor=book.third.owner)


def withdraw(book: RichLedger) -> Transfer:
    return services.withdraw(account_id=book.third.pk, amount=5, actor=book.third.owner)


def pay(source: Account, dest: Account, amount: int = 5) -> Transfer:
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=amount)
    return services.transfer(order=order, actor=source.owner)


def hold(source: Account, dest: Account) -> Transfer:
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=5)
    return services.hold(order=order, expires_in=WEEK, actor=source.owner)


def capture_what_was_held_before(book: RichLedger) -> None:
    held = hold(book.payer, book.third)
    despite("FREEZE", FROZEN, lambda _: services.capture(hold_id=held.pk, actor=book.third.owner))(
        book
    )


def move_between_two_freezes(book: RichLedger) -> None:
    """What comes in while an account may be used is no finding; what comes in after it is."""
    change_of(book.third, "FREEZE", status=FROZEN)
    book.third.refresh_from_db()
    change_of(book.third, "UNFREEZE", status=OPEN)
    deposit(book)
    book.third.refresh_from_db()
    despite("FREEZE", FROZEN, lambda book: [deposit(book), deposit(book)])(book)


def reverse_on_a_closed_account(book: RichLedger) -> None:
    paid = pay(book.third, book.payee)
    despite(
        "CLOSE",
        CLOSED,
        lambda book: [
            services.reverse(transfer_id=paid.pk, actor=book.payee.owner),
            account(book.third, status=OPEN),
            withdraw(book),
        ],
    )(book)


def change_external(action: str, before: str, after: str) -> None:
    record(Account.objects.get(pk=DOLLARS), action, before, after)


STOPPED = "change_stops_transfers"

STATUS_CORRUPTIONS = [
    *(
        corruption(f"{name} while an account is frozen", despite("FREEZE", FROZEN, run), STOPPED)
        for name, run in {
            "a deposit": deposit,
            "a withdrawal": withdraw,
            "a payment from it": lambda book: pay(book.third, book.payee),
            "a payment to it": lambda book: pay(book.payer, book.third),
            "a hold on it": lambda book: hold(book.third, book.payee),
            "a hold for it": lambda book: hold(book.payer, book.third),
        }.items()
    ),
    corruption("a capture while an account is frozen", capture_what_was_held_before, STOPPED),
    corruption("deposits between two freezes and after them", move_between_two_freezes, STOPPED),
    corruption(
        "money in and out while an account is closed",
        despite("CLOSE", CLOSED, lambda book: [deposit(book), withdraw(book)]),
        STOPPED,
    ),
    corruption(
        "a hold for an account that is closed",
        despite("CLOSE", CLOSED, lambda book: hold(book.payer, book.third)),
        STOPPED,
    ),
    corruption("a reversal while an account is closed", reverse_on_a_closed_account, STOPPED),
    corruption(
        "a closed account that is opened again",
        lambda book: [
            record(book.third, "CLOSE", "OPEN", "CLOSED"),
            record(book.third, "UNFREEZE", "CLOSED", "OPEN"),
        ],
        "change_fits_its_action",
    ),
    corruption(
        "an EXTERNAL account that is frozen",
        lambda book: [change_external("FREEZE", "OPEN", "FROZEN"), external(status=FROZEN)],
        "account_external_stays_as_made",
        "change_is_of_a_customers_account",
    ),
    corruption(
        "an EXTERNAL account that is closed without a record",
        lambda book: external(status=CLOSED),
        "account_external_stays_as_made",
        "account_status_is_recorded",
    ),
    corruption(
        "an EXTERNAL account of another name",
        lambda book: external(owner_name="Internal USD", owner_name_folded="internal usd"),
        "account_external_stays_as_made",
    ),
    corruption(
        "an EXTERNAL account that was renamed and is as it was",
        lambda book: [
            change_external("RENAME", "External USD", "Internal USD"),
            change_external("RENAME", "Internal USD", "External USD"),
        ],
        change_is_of_a_customers_account=2,
    ),
]
