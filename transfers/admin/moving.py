"""The actions that move money into or out of an account, or close it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html

from accounts.admin.action_form import ActionForm
from accounts.admin.actions import Close, FilledInAction
from accounts.admin.amount import MoneyField
from accounts.admin.pages import money_shown
from accounts.admin.search import LONGEST_SEARCH, find_accounts, id_in
from accounts.enums import AccountStatus
from accounts.exceptions import AccountFrozen
from accounts.models import Account
from api.errors import LedgerError
from api.form_keys import FORM_KEY
from transfers import services
from transfers.admin.links import transfer_link
from transfers.admin.open_holds import open_holds
from transfers.admin.waiting import MayWait
from transfers.approvals.models import Approval
from transfers.approvals.services import ask_for_order
from transfers.kinds import Kind
from transfers.models import LONGEST_MEMO, Transfer
from transfers.movements import Order

# The query parameter with which the form is filled in with what can be moved out.
ALL = "all"
# How many other accounts of the owner the page suggests.
MOST_SUGGESTED = 20
# How many accounts an error lists.
MOST_LISTED = 5


class MemoForm(ActionForm):
    """A form whose reason becomes the memo of a transfer."""

    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_MEMO,
        widget=AdminTextInputWidget,
        help_text="It becomes the memo, which the owners of the accounts can see.",
    )


class MovementForm(MemoForm):
    amount = MoneyField(label="Amount", smallest=1)


class TransferForm(MovementForm):
    dest = forms.CharField(
        label="To the account",
        max_length=LONGEST_SEARCH,
        widget=AdminTextInputWidget,
        help_text="Its id, or words of its owner's name. The preview shows the account.",
    )
    # The accounts to choose from, if several match.
    matching: Sequence[Account] = ()

    def clean_dest(self) -> Account:
        text = self.cleaned_data["dest"]
        account_id = id_in(text)
        if account_id is None and FORM_KEY in self.data:
            raise ValidationError("Only the account that a preview has shown can be confirmed.")
        found = Account.objects.find(account_id) if account_id else self._described(text)
        if found is None:
            raise ValidationError("There is no customer account with this id.")
        # The preview sends the id, so that another account opened meanwhile isn't found instead.
        self.data = {**{name: self.data[name] for name in self.data}, "dest": str(found.pk)}
        return found

    def _described(self, text: str) -> Account:
        """Return the open account of the same currency that a search finds, if it is only one."""
        accounts = Account.objects.customers().filter(
            currency=self.row.currency, status=AccountStatus.OPEN
        )
        others = accounts.exclude(pk=self.row.pk)
        ids = find_accounts(others, text.split(), MOST_LISTED + 1)
        found = list(others.filter(pk__in=ids).order_by("-pk"))
        if not found:
            raise ValidationError(self._why_none(text))
        if len(found) > MOST_LISTED:
            raise ValidationError("Too many accounts match this. Enter more of the name, or an id.")
        if len(found) > 1:
            self.matching = found
            raise ValidationError("Several accounts match this. Choose one below.")
        return found[0]

    def _why_none(self, text: str) -> str:
        """Return why no account is described by the text, naming one that can't be used."""
        accounts = Account.objects.customers()
        found = accounts.filter(pk__in=find_accounts(accounts, text.split(), 1)).first()
        if found is None:
            return f"No other open {self.row.currency} account matches this."
        if found == self.row:
            why = "it is this account itself"
        elif found.currency != self.row.currency:
            why = f"its currency is {found.currency}"
        else:
            why = f"it is {found.get_status_display().lower()}"
        return f"{found.owner_name} matches this, but {why}."


class Movement(MayWait, FilledInAction):
    """An action that moves money, at once or when a second person has approved it."""

    form = MovementForm

    def is_offered(self, row: Account) -> bool:
        return super().is_offered(row) and row.status != AccountStatus.FROZEN

    def ruled_out(self, row: Account) -> LedgerError | None:
        is_frozen = row.status == AccountStatus.FROZEN
        return AccountFrozen(row.pk) if is_frozen else super().ruled_out(row)

    def initial(self, request: HttpRequest, row: Account) -> dict[str, Any]:
        free = row.balance - row.held
        return {"amount": free} if ALL in request.GET and free > 0 else {}

    def do(
        self, row: Account, actor: Any, data: Mapping[str, Any], *, is_approved: bool
    ) -> Transfer:
        order = self.order(row, data)
        return services.transfer(order=order, actor=actor, is_approved=is_approved)

    def ask(self, row: Account, actor: Any, data: Mapping[str, Any]) -> Approval:
        return ask_for_order(order=self.order(row, data), actor=actor)

    def order(self, row: Account, data: Mapping[str, Any]) -> Order:
        """Return the order that the form describes."""
        raise NotImplementedError

    def outcome(self, row: Account, result: Transfer) -> str:
        amount = money_shown(result.amount, result.currency)
        return format_html("{} was {}: {}.", amount, self.done, transfer_link(result))


class Deposit(Movement):
    name, label, done = "deposit", "Deposit", "deposited"
    summary = "Money comes in from outside, such as cash or a bank transfer."
    permission = Kind.DEPOSIT.rules.permission

    def initial(self, request: HttpRequest, row: Account) -> dict[str, Any]:
        return {}

    def order(self, row: Account, data: Mapping[str, Any]) -> Order:
        amount, memo = data["amount"], data["reason"]
        return Order(kind=Kind.DEPOSIT, source_id=None, dest_id=row.pk, amount=amount, memo=memo)


class Withdraw(Movement):
    name, label, done = "withdraw", "Withdraw", "withdrawn"
    summary = "Money is paid out, such as in cash or by a bank transfer."
    permission = Kind.WITHDRAWAL.rules.permission

    def order(self, row: Account, data: Mapping[str, Any]) -> Order:
        amount, memo = data["amount"], data["reason"]
        return Order(kind=Kind.WITHDRAWAL, source_id=row.pk, dest_id=None, amount=amount, memo=memo)


class MoveOut(Movement):
    name, label, done = "transfer", "Transfer", "transferred"
    summary = "Money moves from this account to another one of the same currency."
    permission = Kind.TRANSFER.rules.permission
    form = TransferForm
    template = "admin/transfers/transfer_action.html"

    def accounts_of(self, row: Account, data: Mapping[str, Any]) -> Sequence[Account]:
        return [row, data["dest"]]

    def order(self, row: Account, data: Mapping[str, Any]) -> Order:
        dest: UUID = data["dest"].pk
        return Order(source_id=row.pk, dest_id=dest, amount=data["amount"], memo=data["reason"])

    def extra(self, request: HttpRequest, row: Account) -> dict[str, Any]:
        own = Account.objects.customers().filter(
            owner=row.owner_id, currency=row.currency, status=AccountStatus.OPEN
        )
        return {"suggested": own.exclude(pk=row.pk).order_by("-pk")[:MOST_SUGGESTED]}


class CloseWhenEmpty(Close):
    """Closing, with links to what must be done before."""

    template = "admin/transfers/close.html"

    def extra(self, request: HttpRequest, row: Account) -> dict[str, Any]:
        offered = {each["page"].name: each for each in self.admin.menu(request, row)}
        first = [name for name in ("unfreeze",) if name in offered]
        if row.balance > 0:
            first += [name for name in ("transfer", "withdraw") if name in offered]
        if row.balance < 0 and "deposit" in offered:
            first.append("deposit")
        return {"first": [offered[name] for name in first], "holds": open_holds(request, row)}
