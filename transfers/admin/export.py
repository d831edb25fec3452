"""Files for spreadsheets: the transfers of a range of days, and the statement of an account."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from accounts.models import Account
from accounts.money import figure
from api.instants import instant
from transfers import clock
from transfers.admin.links import memo_of
from transfers.clock import ids_at
from transfers.export import chunks_of, csv_file, harmless
from transfers.models import LedgerEntry, Transfer

TRANSFERS = (
    *("id", "created_at", "kind", "amount", "currency", "memo", "source_id", "source_name"),
    *("dest_id", "dest_name", "hold_id", "reverses_id", "created_by"),
)
STATEMENT = (
    *("sequence", "ts", "kind", "type", "amount", "balance", "currency", "ref", "counterparty_id"),
    *("counterparty_name", "transfer_id", "id"),
)
# An application may choose the ids of its transfers by its own clock (see `audit.scan`).
APART = timedelta(minutes=10)


class DayField(forms.DateField):
    """A day, which browsers offer to pick from a calendar."""

    widget = AdminTextInputWidget(attrs={"type": "date"})


class DaysForm(forms.Form):
    """The first and the last day (UTC) of an export."""

    first = DayField(label="From")
    last = DayField(label="to")

    def clean(self) -> dict[str, Any]:
        days: dict[str, Any] = super().clean() or {}
        first, last = days.get("first"), days.get("last")
        if first and last and last < first:
            raise forms.ValidationError("The last day comes before the first one.")
        # The ids of transfers can't express other years.
        if any(day and not 1971 <= day.year <= 9998 for day in (first, last)):
            raise forms.ValidationError("Enter days in the years 1971 to 9998.")
        return days

    @property
    def range(self) -> tuple[datetime, datetime]:
        """The first instant of the range, and the first one after it."""
        days = self.cleaned_data
        return _midnight(days["first"]), _midnight(days["last"]) + timedelta(days=1)


def days_form(data: Any, today: date) -> DaysForm:
    """Return a form with the days in ``data``; the month until ``today`` if it has none."""
    month = {"first": today.replace(day=1), "last": today}
    return DaysForm({name: data.get(name) or day for name, day in month.items()})


def answer(
    admin: ModelAdmin, request: HttpRequest, back: str, file: Callable[..., FileResponse]
) -> HttpResponseBase:
    """
    Return the file of the days in the request; if they are invalid, redirect with an error message.

    :param file: is called with the range of time
    """
    form = days_form(request.GET, clock.now().date())
    if form.is_valid():
        return file(*form.range)
    why = " ".join(str(message) for each in form.errors.values() for message in each)
    admin.message_user(request, f"Nothing was exported. {why}", messages.ERROR)
    return redirect(back)


def transfers_file(since: datetime, until: datetime) -> FileResponse:
    """Return the transfers of a range of time as a CSV file, newest first."""
    # Read by id, which begins with the time. There is no index on the time itself.
    near = {"pk__gte": next(ids_at(since - APART)), "pk__lt": next(ids_at(until + APART))}
    transfers = Transfer.objects.filter(created_at__gte=since, created_at__lt=until, **near)
    chunks = chunks_of(transfers.select_related("source", "dest", "hold", "created_by"), "pk")
    rows = (map(transfer_cells, chunk) for chunk in chunks)
    return csv_file(f"transfers-{_days(since, until)}.csv", TRANSFERS, rows)


def statement_file(account: Account, since: datetime, until: datetime) -> FileResponse:
    """Return an account's statement in a range of time as a CSV file, newest entries first."""
    lines: Any = LedgerEntry.objects.statement_of(account.pk, account.version)
    chunks = chunks_of(lines.in_time(account.pk, since, until), "sequence")
    name = f"statement-{account.pk}-{_days(since, until)}.csv"
    return csv_file(name, STATEMENT, map(_statement_rows, chunks))


def transfer_cells(transfer: Transfer) -> tuple[Any, ...]:
    """Return the cells of a transfer in the columns ``TRANSFERS``."""
    by = transfer.created_by
    return (
        transfer.pk,
        instant(transfer.created_at),
        transfer.kind,
        number(transfer.amount, transfer.currency),
        transfer.currency,
        harmless(memo_of(transfer)) or None,
        transfer.source_id,
        harmless(transfer.source.owner_name),
        transfer.dest_id,
        harmless(transfer.dest.owner_name),
        transfer.hold_id,
        transfer.reverses_id,
        harmless(by.get_username()) if by else None,
    )


def _statement_rows(chunk: list[Any]) -> Iterator[list[Any]]:
    others = Account.objects.filter(pk__in={line.counterparty_id for line in chunk})
    names = dict(others.values_list("pk", "owner_name"))
    for line in chunk:
        cells = line._replace(
            ts=instant(line.ts),
            ref=harmless(line.ref),
            amount=number(line.amount, line.currency),
            balance=number(line.balance, line.currency),
        )
        other = harmless(names[line.counterparty_id])
        yield [other if name == "counterparty_name" else getattr(cells, name) for name in STATEMENT]


def number(amount: int | None, currency: str) -> str | None:
    """Return an amount in the currency's unit, without commas: ``1234.56``; None for None."""
    return None if amount is None else figure(amount, currency).replace(",", "")


def _days(since: datetime, until: datetime) -> str:
    return f"{since:%Y-%m-%d}-{until - timedelta(days=1):%Y-%m-%d}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
