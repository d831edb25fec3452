"""Ways to ignore the status of an account, and the findings that the audit must report."""

from collections.abc import Callable

from accounts.enums import AccountStatus
from accounts.models import Account
from audit.tests.account_corruptions import change_with_record, record_change
from audit.tests.tampering import DOLLARS, corruption, update_account, update_external
from transfers import services
from transfers.models import Transfer
from transfers.services import Order
from transfers.tests.rich_ledger import WEEK, RichLedger

FROZEN, CLOSED, OPEN = AccountStatus.FROZEN, AccountStatus.CLOSED, AccountStatus.OPEN


def move_money_despite(
    action: str, status: AccountStatus, use: Callable[[RichLedger], object]
) -> Callable[[RichLedger], None]:
    """Return a corruption that freezes or closes an account and then uses it all the same."""

    def corrupt(book: RichLedger) -> None:
        if status == CLOSED:
            # Only an empty account can be closed.
            book.third.refresh_from_db()
            services.withdraw(
                account_id=book.third.pk, amount=book.third.balance, actor=book.third.owner
            )
        change_with_record(book.third, action, status=status)
        update_account(book.third, status=OPEN)
        use(book)
        update_account(book.third, status=status)

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


def capture_a_hold_made_before_the_freeze(book: RichLedger) -> None:
    held = hold(book.payer, book.third)
    move_money_despite(
        "FREEZE", FROZEN, lambda _: services.capture(hold_id=held.pk, actor=book.third.owner)
    )(book)


def move_between_two_freezes(book: RichLedger) -> None:
    """Make one deposit that is allowed while the account is open, and two while it is frozen."""
    change_with_record(book.third, "FREEZE", status=FROZEN)
    book.third.refresh_from_db()
    change_with_record(book.third, "UNFREEZE", status=OPEN)
    deposit(book)
    book.third.refresh_from_db()
    move_money_despite("FREEZE", FROZEN, lambda book: [deposit(book), deposit(book)])(book)


def reverse_on_a_closed_account(book: RichLedger) -> None:
    paid = pay(book.third, book.payee)
    move_money_despite(
        "CLOSE",
        CLOSED,
        lambda book: [
            services.reverse(transfer_id=paid.pk, actor=book.payee.owner),
            update_account(book.third, status=OPEN),
            withdraw(book),
        ],
    )(book)


def record_external_change(action: str, before: str, after: str) -> None:
    record_change(Account.objects.get(pk=DOLLARS), action, before, after)


STOPPED = "change_stops_transfers"

STATUS_CORRUPTIONS = [
    *(
        corruption(
            f"{name} while an account is frozen", move_money_despite("FREEZE", FROZEN, run), STOPPED
        )
        for name, run in {
            "a deposit": deposit,
            "a withdrawal": withdraw,
            "a payment from it": lambda book: pay(book.third, book.payee),
            "a payment to it": lambda book: pay(book.payer, book.third),
            "a hold from it": lambda book: hold(book.third, book.payee),
            "a hold to it": lambda book: hold(book.payer, book.third),
        }.items()
    ),
    corruption(
        "a capture while an account is frozen", capture_a_hold_made_before_the_freeze, STOPPED
    ),
    corruption("deposits between two freezes and after them", move_between_two_freezes, STOPPED),
    corruption(
        "money in and out while an account is closed",
        move_money_despite("CLOSE", CLOSED, lambda book: [deposit(book), withdraw(book)]),
        STOPPED,
    ),
    corruption(
        "a hold to a closed account",
        move_money_despite("CLOSE", CLOSED, lambda book: hold(book.payer, book.third)),
        STOPPED,
    ),
    corruption("a reversal while an account is closed", reverse_on_a_closed_account, STOPPED),
    corruption(
        "a closed account that is reopened",
        lambda book: [
            record_change(book.third, "CLOSE", "OPEN", "CLOSED"),
            record_change(book.third, "UNFREEZE", "CLOSED", "OPEN"),
        ],
        "change_fits_its_action",
    ),
    corruption(
        "a frozen EXTERNAL account",
        lambda book: [
            record_external_change("FREEZE", "OPEN", "FROZEN"),
            update_external(status=FROZEN),
        ],
        "account_external_stays_as_made",
        "change_is_of_a_customers_account",
    ),
    corruption(
        "an EXTERNAL account that is closed without an account change",
        lambda book: update_external(status=CLOSED),
        "account_external_stays_as_made",
        "account_status_is_recorded",
    ),
    corruption(
        "a renamed EXTERNAL account",
        lambda book: update_external(owner_name="Internal USD", owner_name_folded="internal usd"),
        "account_external_stays_as_made",
    ),
    corruption(
        "an EXTERNAL account that was renamed and renamed back",
        lambda book: [
            record_external_change("RENAME", "External USD", "Internal USD"),
            record_external_change("RENAME", "Internal USD", "External USD"),
        ],
        change_is_of_a_customers_account=2,
    ),
]
