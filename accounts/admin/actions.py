"""The actions that change an account itself: its status and its overdraft limit."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest

from accounts import services
from accounts.admin.acting import in_words
from accounts.admin.action_form import ActionForm
from accounts.admin.action_page import ActionPage
from accounts.admin.amount import MoneyField
from accounts.admin.pages import money_shown
from accounts.enums import AccountKind, AccountStatus
from accounts.exceptions import AccountClosed, AccountNotFound
from accounts.models import Account
from api.errors import LedgerError

FROZEN_MEANS = (
    "No money moves in or out until the account is unfrozen. Two things stay possible: its holds "
    "can be voided, and staff with the permission can reverse transfers from or to it."
)


def can_change(account: Account) -> bool:
    """Return whether staff can act on the account: it isn't EXTERNAL, and isn't closed."""
    return account.kind == AccountKind.CUSTOMER and account.status != AccountStatus.CLOSED


class AccountAction(ActionPage):
    """An action on an account."""

    def is_offered(self, row: Account) -> bool:
        return can_change(row)

    def accounts_of(self, row: Account, data: Mapping[str, Any]) -> Sequence[Account]:
        return [row]


class Freeze(AccountAction):
    name, label, done = "freeze", "Freeze", "frozen"
    summary = FROZEN_MEANS
    permission = "accounts.freeze"

    def is_offered(self, row: Account) -> bool:
        return can_change(row) and row.status != AccountStatus.FROZEN

    def act(self, row: Account, actor: Any, data: Mapping[str, Any]) -> Account:
        return services.freeze(account_id=row.pk, actor=actor, reason=data["reason"])


class Unfreeze(AccountAction):
    name, label, done = "unfreeze", "Unfreeze", "unfrozen"
    summary = "Money can move in and out again."
    permission = "accounts.freeze"

    def is_offered(self, row: Account) -> bool:
        return row.status == AccountStatus.FROZEN

    def act(self, row: Account, actor: Any, data: Mapping[str, Any]) -> Account:
        return services.unfreeze(account_id=row.pk, actor=actor, reason=data["reason"])


class FilledInAction(AccountAction):
    """An action whose form asks for more than a reason, so that it has no preview at first."""

    def impossible(self, row: Account, actor: Any) -> str | None:
        refusal = self.ruled_out(row)
        if refusal is None:
            return None
        return in_words(refusal, row, lambda row: {row.pk: "The account"})

    def ruled_out(self, row: Account) -> LedgerError | None:
        """Return the error that the kind and the status of the account alone lead to, if any."""
        if row.kind == AccountKind.EXTERNAL:
            return AccountNotFound(row.pk)
        return AccountClosed(row.pk) if row.status == AccountStatus.CLOSED else None


class LimitForm(ActionForm):
    overdraft_limit = MoneyField(
        label="Overdraft limit",
        help_text="How far below zero the balance may go, counting holds as spent.",
    )


class SetLimit(FilledInAction):
    name, label, done = "limit", "Set the overdraft limit", "set"
    summary = "How far below zero the balance may go. Holds count as spent."
    permission = "accounts.set_limit"
    form = LimitForm

    def initial(self, request: HttpRequest, row: Account) -> dict[str, Any]:
        return {"overdraft_limit": row.overdraft_limit}

    def act(self, row: Account, actor: Any, data: Mapping[str, Any]) -> Account:
        limit, reason = data["overdraft_limit"], data["reason"]
        return services.set_overdraft_limit(
            account_id=row.pk, actor=actor, limit=limit, reason=reason
        )

    def outcome(self, row: Account, result: Account) -> str:
        limit = money_shown(result.overdraft_limit, result.currency)
        return f"The overdraft limit of {row} is now {limit}."


class Close(AccountAction):
    name, label, done = "close", "Close", "closed"
    summary = "A closed account can't be reopened. Its balance must be zero, without open holds."
    permission = "accounts.close_any"
    irrevocable = True

    def act(self, row: Account, actor: Any, data: Mapping[str, Any]) -> Account:
        if row.status == AccountStatus.CLOSED:
            # The service leaves a closed account as it is.
            raise AccountClosed(row.pk)
        return services.close(account_id=row.pk, actor=actor, reason=data["reason"])
